import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { disagreements } from "../support/accepted-findings.ts";
import { graphFromText } from "../support/graph-text.ts";
import { Terraform } from "../support/terraform/runner.ts";
import { translate } from "../support/terraform/translate.ts";
import { ensureAwsTestTools, ensureCheckov } from "../support/test-tools.ts";
import { type Modules, type Scan, scan } from "./checkov.ts";
import { dockerfiles, root, workflows } from "./files.ts";

const GET_AND_SCAN_MS = 900_000;
const GOLDEN = join(root, "test", "graph", "golden");
const STACKS = readdirSync(GOLDEN).flatMap((file) => /^(aws-.+)\.json$/.exec(file)?.[1] ?? []);

/** The reviewed graphs of the stacks on AWS in Terraform's words, or why there are none. */
async function modules(): Promise<Modules | { missing: string }> {
  const { terraform: program, terraformProviderMirror: mirror, reasons } = await ensureAwsTestTools(root);
  if (program === null || mirror === null)
    return { missing: reasons.terraform ?? reasons.terraformProviderMirror ?? "no Terraform" };
  const folder = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-schema-"));
  try {
    // Only the provider's schema is asked for: nothing listens at this address.
    const terraform = new Terraform(program, mirror, folder, "http://127.0.0.1:9");
    terraform.write([]);
    await terraform.init();
    const schema = await terraform.schema(join(root, ".toolchain", "terraform", "schema.json"));
    const graphOf = (stack: string) => graphFromText(readFileSync(join(GOLDEN, `${stack}.json`), "utf8"));
    return Object.fromEntries(STACKS.map((stack) => [stack, translate(graphOf(stack), schema).file]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("checkov", () => {
  let done: Scan | null = null;
  let lack = "";
  let noStacks = "";

  beforeAll(async () => {
    const { checkov, reason } = await ensureCheckov(root);
    if (checkov === null) {
      lack = reason ?? "checkov is missing";
      return;
    }
    const graphs = await modules();
    if ("missing" in graphs) noStacks = String(graphs.missing);
    done = await scan(checkov, [...dockerfiles(), ...workflows()], noStacks ? {} : (graphs as Modules));
  }, GET_AND_SCAN_MS);

  const need = (skip: (reason: string) => never): Scan => done ?? skip(lack);
  const isStack = (where: string) => where.startsWith("aws-");

  test("looks at every Dockerfile and every workflow, and nothing in them silences it", (context) => {
    const { seen, silenced } = need((reason) => context.skip(reason));
    const files = [...dockerfiles(), ...workflows()];
    expect(
      files.filter((file) => !seen.has(file)),
      "checkov leaves these out: mend UNKNOWN_TO_CHECKOV in test/lint/checkov.ts",
    ).toEqual([]);
    expect(silenced, "accept it in test/lint/accepted-findings.yaml instead").toEqual([]);
  });

  test("finds nothing in Dockerfiles and workflows that is not accepted with its reason", (context) => {
    const { findings } = need((reason) => context.skip(reason));
    const here = findings.filter(({ where }) => !isStack(where));
    expect(disagreements("checkov", here, { covers: (where) => !isStack(where) })).toEqual([]);
  });

  test("finds nothing in the stacks on AWS that is not accepted with its reason", (context) => {
    const { findings, seen } = need((reason) => context.skip(reason));
    if (noStacks) context.skip(noStacks);
    const looked = STACKS.filter((stack) => [...seen].some((where) => where.startsWith(`${stack}/`)));
    expect(looked, "checkov looks at every stack").toEqual(STACKS);
    expect(
      disagreements(
        "checkov",
        findings.filter(({ where }) => isStack(where)),
        { covers: isStack },
      ),
    ).toEqual([]);
  });
});
