import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { modelFile } from "../../bench/support/models.ts";
import { advise } from "../../cli/commands/advise.ts";
import { plan as planned } from "../../cli/commands/plan.ts";
import { parseCluster } from "../../config/parse.ts";
import { readStackFile } from "../../config/stack.ts";
import { LOCK_FILE } from "../../plan/model/lock.ts";
import { exitCodeOf } from "../support/command.ts";
import { fileServer, sendRange } from "../support/file-server.ts";

const MODEL = "model.gguf";

const main = (argv: string[], projectRoot: string) => exitCodeOf(() => advise(argv, { projectRoot }));
const plan = (argv: string[], projectRoot: string) => exitCodeOf(() => planned(argv, { projectRoot }));

let root = "";
let out = "";
let err = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "advise-command-"));
  mkdirSync(join(root, "stacks"));
  writeFileSync(join(root, MODEL), modelFile({ layers: 30 }));
  [out, err] = ["", ""];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(root, { recursive: true });
});

describe("npm run advise", () => {
  test("shows a table with the three winners, and the stack file of the best value", async () => {
    expect(await main([MODEL], root)).toBe(0);
    const rows = out.split("\n").filter((line) => /^ *\d+ +\S+ \+ \d+ × /.test(line));
    expect(rows.length).toBeGreaterThan(2);
    expect(rows.length).toBeLessThanOrEqual(10);
    expect(rows[0]).toContain("best value");
    expect(rows.filter((row) => row.includes("cheapest"))).toHaveLength(1);
    expect(rows.filter((row) => row.includes("fastest"))).toHaveLength(1);
    expect(out).toMatch(/All figures are estimates/);
    expect(out).toMatch(/prices as of \d{4}-\d\d-\d\d/);
    expect(out).toMatch(/The stack file of .*, best value.*:\n\n#/);
    expect(out.split("\n").filter((line) => line.length > 100 && !line.startsWith("#"))).toEqual([]);
  });

  test.each(["cheapest", "fastest", "value"])("writes the stack of the %s, which can be planned", async (choice) => {
    const argv = [MODEL, "--choose", choice, "--write", "mine", "--context", "8192", "--slots", "2", "--kv", "q8_0"];
    expect(await main([...argv, "--region", "eu-central-1", "--budget", "20", "--spot"], root)).toBe(0);
    expect(out).toContain("stacks/Pulumi.mine.yaml is written");
    const config = parseCluster(readStackFile("mine", root), "plan");
    expect(config).toMatchObject({
      target: "aws",
      aws: { region: "eu-central-1" },
      model: { source: MODEL, contextTokens: 8192, parallelSlots: 2, kvCacheType: "q8_0" },
      backends: [{ market: "spot" }],
      limits: { maxHourlyUsd: 20 },
    });
    [out, err] = ["", ""];
    expect(await plan(["-s", "mine"], root), err).toBe(0);
    expect(out).toContain(config.backends[0]?.machine);
  });

  test("does not write over a stack that is there", async () => {
    const file = join(root, "stacks/Pulumi.mine.yaml");
    writeFileSync(file, "config: {}\n");
    expect(await main([MODEL, "--write", "mine"], root)).toBe(1);
    expect(err).toMatch(
      /--write is "mine": it must name a stack that does not exist yet\. Choose another name or remove /,
    );
    expect(readFileSync(file, "utf8")).toBe("config: {}\n");
    expect(out).toBe("");
  });

  test("shows what it found though the stack file can't be written, and says why in one sentence", async () => {
    const project = join(root, "project");
    mkdirSync(project);
    // Of a model outside the project nothing is kept in stacks/.
    const model = join(root, MODEL);
    expect(await main([model, "--write", "mine"], project)).toBe(1);
    expect(out).toContain("best value");
    expect(out).not.toContain("is written");
    expect(err).toBe(
      "The stack file can't be written to stacks/Pulumi.mine.yaml: there is no folder stacks; make it, or choose another place.\n",
    );
    [out, err] = ["", ""];
    expect(await main([model, "--write", "mine", "--json"], project)).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ stackFile: expect.any(String) });
    expect(err).toContain("there is no folder stacks");
  });

  test("does not write over a stack that comes to be there while it looks", async () => {
    const file = join(root, "stacks/Pulumi.mine.yaml");
    const server = await fileServer();
    server.files.set("/model.gguf", (request, response) => {
      writeFileSync(file, "config: {}\n");
      sendRange(modelFile({ layers: 30 }), request, response);
    });
    expect(await main([`${server.url}/model.gguf`, "--write", "mine"], root)).toBe(1);
    await server.close();
    expect(out).toContain("best value");
    expect(err).toContain(
      "The stack file can't be written to stacks/Pulumi.mine.yaml: something else has made it in the meantime",
    );
    expect(readFileSync(file, "utf8")).toBe("config: {}\n");
  });

  test("prints everything as JSON", async () => {
    expect(await main([MODEL, "--json", "--top", "1"], root)).toBe(0);
    const json = JSON.parse(out);
    expect(json).toMatchObject({ region: "us-east-1", model: { source: MODEL, layers: 30 } });
    const best: unknown[] = json.rows.flatMap((row: { best: unknown[] }) => row.best);
    expect(best.toSorted()).toEqual(["best value", "cheapest", "fastest"]);
    expect(json.stackFile).toContain(`machine: ${json.rows[0].machine}`);
    const numbers = json.findings.map(({ number }: { number: string }) => number);
    expect(numbers.length).toBeGreaterThan(0);
    expect(json.rows[0].warnings).toEqual(numbers.toSorted());
  });

  test("says everything that is wrong with the arguments at once, in the words of the arguments", async () => {
    const argv = "--frobnicate --context 8k --slots 0 --kv f32 --budget -1 --region mars --min-tps fast";
    expect(await main([`${argv} --top 0 --choose best --write a/b`.split(" "), "a.bin"].flat(), root)).toBe(1);
    const problems = err.split("\n").slice(1, -1);
    expect(err).toMatch(/^11 problems in the arguments:\n/);
    const paths = problems.map((line) => line.trim().split(" is ")[0]);
    expect(paths.toSorted()).toEqual(
      "--budget --choose --context --kv --min-tps --region --slots --top --write <model> argument".split(" "),
    );
    expect(err).not.toMatch(/model\.[a-z]+[A-Z]|model\.source|aws\.region|limits\.|undefined/);
    expect(out).toBe("");
  });

  test.each([
    [[], "<model> is missing"],
    [[MODEL, "--contxt", "1024"], "Did you mean --context?"],
    [[MODEL, "-s", "local"], "See npm run advise -- --help."],
    [[MODEL, "--write", "Pulumi.foo.yaml"], 'without "Pulumi." before it or ".yaml" after it. Write it like "foo"'],
    [[MODEL, "--write", "foo.yaml"], '--write is "foo.yaml": it must be a name of letters'],
    [[MODEL, "another.gguf"], 'argument is "another.gguf": it must not follow the model'],
    [[MODEL, "--region"], "--region is missing: it must have a value"],
    [[MODEL, "--kv", "--spot"], '--kv is "--spot": it must have a value'],
    [[MODEL, "--json=yes"], '--json is "yes": it must stand alone'],
    [[MODEL, "--context", "300", "--slots", "4"], "Set --context to at least 1024, or lower --slots."],
    [["nowhere.gguf"], "There is no model at nowhere.gguf"],
  ])("answers %j with what to do", async (argv, text) => {
    expect(await main(argv, root)).toBe(1);
    expect(err).toContain(text);
    expect(err).not.toMatch(/[2-9] problems/);
  });

  test("says what comes nearest if nothing is within the limits", async () => {
    expect(await main([MODEL, "--budget", "0.01"], root)).toBe(1);
    expect(err).toMatch(
      /costs at most 0\.01 US dollars per hour\.\n {2}The cheapest of all: .*US dollars\s+per\s+hour/s,
    );
    expect(err).toContain("Raise --budget");
    err = "";
    expect(await main([MODEL, "--min-tps", "1e9"], root)).toBe(1);
    expect(err).toMatch(/answers with 1000000000 tokens per second\.\n {2}The fastest of all: /);
    err = "";
    expect(await main([MODEL, "--min-tps", "200", "--budget", "0.3", "--write", "mine"], root)).toBe(1);
    expect(err).toMatch(/Within the budget, the fastest: .*Fast enough, the cheapest: /s);
    expect(existsSync(join(root, "stacks/Pulumi.mine.yaml"))).toBe(false);
  });

  test("reads a model over the network once, and never again", async () => {
    const server = await fileServer();
    server.files.set("/model.gguf", modelFile({ layers: 30 }));
    expect(await main([`${server.url}/model.gguf`], root)).toBe(0);
    await server.close();
    expect(err).toContain(`are now kept in ${LOCK_FILE}`);
    expect(await main([`${server.url}/model.gguf`, "--write", "mine"], root)).toBe(0);
  });

  test("fits a narrow terminal by leaving columns out", async () => {
    const { columns } = process.stdout;
    process.stdout.columns = 72;
    expect(await main([MODEL, "--write", "mine"], root)).toBe(0);
    process.stdout.columns = columns;
    expect(out.split("\n").filter((line) => /× /.test(line) && line.length > 72)).toHaveLength(1);
    expect(out).toContain("$/h");
    expect(out).not.toContain("$/mo");
  });

  test("says how it is called", async () => {
    const { stdout } = await execa(process.execPath, ["cli/main.ts", "advise", "-h"]);
    expect(stdout).toContain("npm run advise -- <model>");
  });
});
