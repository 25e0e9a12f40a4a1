import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import * as z from "zod";
import type { Finding } from "../support/accepted-findings.ts";
import { root } from "./files.ts";

/** What checkov saw and found. */
export interface Scan {
  findings: Finding[];
  /** Every place that a rule looked at, whatever it found: `images/cpu.Dockerfile`, `aws-dev/front`. */
  seen: Set<string>;
  /** Findings that comments in the files themselves silence. */
  silenced: string[];
}

/** Terraform's JSON of stacks, by stack. */
export type Modules = Readonly<Record<string, unknown>>;

/** Keys that checkov's own schema of workflows refuses; it leaves the whole file out then, without a word. */
const UNKNOWN_TO_CHECKOV = /^( *)((?:cancel-in-progress|fail-fast|attestations):.*)$/gm;

const record = z.object({ check_id: z.string(), check_name: z.string(), file_path: z.string(), resource: z.string() });
const report = z.object({
  results: z.object({
    failed_checks: z.array(record),
    passed_checks: z.array(record),
    skipped_checks: z.array(record),
    parsing_errors: z.array(z.string()),
  }),
});

/** Runs checkov once over files of this project and stacks. It asks nobody on the network. */
export async function scan(checkov: string, files: readonly string[], modules: Modules): Promise<Scan> {
  const folder = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-checkov-"));
  try {
    for (const file of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      cpSync(join(root, file), join(folder, file));
      if (!/\.ya?ml$/.test(file)) continue;
      const text = readFileSync(join(root, file), "utf8");
      writeFileSync(join(folder, file), text.replace(UNKNOWN_TO_CHECKOV, "$1# $2"));
    }
    for (const [stack, module] of Object.entries(modules)) {
      mkdirSync(join(folder, "stacks", stack), { recursive: true });
      writeFileSync(join(folder, "stacks", stack, "main.tf.json"), JSON.stringify(module, null, 2));
    }
    const frameworks = ["--framework", "dockerfile", "github_actions", "terraform_json"];
    const options = ["--skip-download", "--compact", "--output", "json", "--soft-fail"];
    const result = await execa(checkov, [...frameworks, ...options, "--directory", "."], {
      cwd: folder,
      // Workflows lie in a hidden folder.
      env: { CKV_IGNORE_HIDDEN_DIRECTORIES: "false", LOG_LEVEL: "ERROR" },
      maxBuffer: 256 * 1024 * 1024,
    });
    const printed: unknown = JSON.parse(result.stdout);
    return summary(z.array(report).parse(Array.isArray(printed) ? printed : [printed]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function summary(reports: z.output<typeof report>[]): Scan {
  const of = (kind: "failed_checks" | "passed_checks" | "skipped_checks") =>
    reports.flatMap(({ results }) => results[kind]);
  const errors = reports.flatMap(({ results }) => results.parsing_errors);
  if (errors.length > 0) throw new Error(`checkov can't read ${errors.join(", ")}`);
  return {
    findings: of("failed_checks").map((one) => ({ rule: one.check_id, where: whereOf(one), what: one.check_name })),
    seen: new Set([...of("failed_checks"), ...of("passed_checks")].map(whereOf)),
    silenced: of("skipped_checks").map((one) => `${whereOf(one)}: ${one.check_id}`),
  };
}

/** A stack's resource has its own place, whatever type checkov writes in front of it; a file is one. */
function whereOf({ file_path, resource }: z.output<typeof record>): string {
  const stack = /^\/?stacks\/([^/]+)\//.exec(file_path)?.[1];
  return stack === undefined ? file_path.replace(/^\//, "") : `${stack}/${resource.split(".").at(-1)}`;
}
