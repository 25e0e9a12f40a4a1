import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { modelFile, SMALL_MODEL } from "../../bench/support/models.ts";
import { plan } from "../../cli/commands/plan.ts";
import { describeFileError } from "../../config/file-errors.ts";
import { LOCK_FILE } from "../../plan/model/lock.ts";
import { exitCodeOf } from "../support/command.ts";
import { fileServer } from "../support/file-server.ts";

const main = (argv: string[], projectRoot: string) => exitCodeOf(() => plan(argv, { projectRoot }));

let root = "";
let out = "";
let err = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "plan-command-"));
  mkdirSync(join(root, ".models"));
  cpSync(join(import.meta.dirname, "../../stacks"), join(root, "stacks"), { recursive: true });

  writeFileSync(join(root, ".models", SMALL_MODEL), modelFile({ layers: 30 }));
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

const stackOf = (text: string) => writeFileSync(join(root, "stacks/Pulumi.mine.yaml"), text);

describe("npm run plan", () => {
  test.each(["local", "local-gpu"])("shows the plan of stack %s and ends with 0", async (stack) => {
    expect(await main(["-s", stack], root)).toBe(0);
    expect(out).toContain("RPC0");
    expect(out).toContain("--tensor-split");
    expect(err).toContain("are now kept in models.lock.json");
    err = "";
    expect(await main(["-s", stack], root)).toBe(0);
    expect(err).toBe("");
  });

  test("plans the stack local if none is named", async () => {
    expect(await main([], root)).toBe(0);
    expect(out).toContain("RPC1");
  });

  test("prints the plan as JSON", async () => {
    expect(await main(["--stack", "local", "--json"], root)).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ target: "docker", backends: [{ name: "cpu-0" }, { name: "cpu-1" }] });
  });

  test("draws the cluster, alone or into a file beside the text", async () => {
    expect(await main(["--svg"], root)).toBe(0);
    expect(out).toMatch(/^<svg .*<\/svg>\n$/s);
    const picture = out;
    out = "";
    const file = join(root, "cluster.svg");
    expect(await main(["--svg", file], root)).toBe(0);
    expect(readFileSync(file, "utf8")).toBe(picture);
    expect(out).toContain("--tensor-split");
    expect(err).toContain(`The picture is in ${file}.`);
    out = "";
    expect(await main([`--svg=${file}`, "--json"], root)).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ target: "docker" });
  });

  test.each([
    ["nowhere/a.svg", "there is no folder nowhere; make it, or choose another place."],
    ["LICENSE/a.svg", "LICENSE is not a folder; choose another place."],
    ["folder.svg", "it is a folder; name a file in it."],
  ])("shows the plan though the picture can't be written to %s, and says why", async (name, reason) => {
    writeFileSync(join(root, "LICENSE"), "mine\n");
    mkdirSync(join(root, "folder.svg"));
    const path = join(root, name);
    for (const json of [[], ["--json"]]) {
      [out, err] = ["", ""];
      expect(await main(["--renew", ...json, "--svg", path], root)).toBe(1);
      expect(out).toContain(json.length > 0 ? '"tensorSplit"' : "--tensor-split");
      expect(err.replaceAll(`${root}/`, "")).toMatch(
        new RegExp(`The picture can't be written to ${name}: ${reason}\n$`),
      );
    }
  });

  test.each(["EACCES", "EPERM", "EROFS", "ENOSPC"])("says in one sentence what %s means", (code) => {
    expect(describeFileError(code, "a.svg")).toMatch(/^[a-z][^.]+\.$/);
    expect(describeFileError("EXYZ", "a.svg")).toBeNull();
  });

  test("shows the plan though the model's facts can't be kept, and says why", async () => {
    mkdirSync(join(root, `${LOCK_FILE}.new`));
    expect(await main([], root)).toBe(0);
    expect(out).toContain("--tensor-split");
    expect(err).toMatch(/^The facts of .* can't be kept in models\.lock\.json: it is a folder/);
  });

  test("writes no picture over a file that is no picture", async () => {
    const file = join(root, "LICENSE");
    writeFileSync(file, "mine\n");
    expect(await main(["--svg", file], root)).toBe(1);
    expect(err).toContain("it must be the name of a file that ends in .svg. Write it like --svg cluster.svg.");
    expect(readFileSync(file, "utf8")).toBe("mine\n");
    expect(out).toBe("");
  });

  test.each(["Pulumi.local-gpu.yaml", "stacks/Pulumi.local-gpu.yaml", "./stacks/Pulumi.local-gpu.yaml"])(
    "understands -s %s",
    async (file) => {
      expect(await main(["-s", "local-gpu", "--json"], root), err).toBe(0);
      const plan = out;
      out = "";
      expect(await main(["-s", file, "--json"], root), err).toBe(0);
      expect(out).toBe(plan);
    },
  );

  test("shows machines of EC2 with speed and cost, though they can't be created yet", async () => {
    stackOf(`config:
  llama-rpc-cluster:target: aws
  llama-rpc-cluster:aws: { region: us-west-2 }
  llama-rpc-cluster:model: { source: .models/${SMALL_MODEL} }
  llama-rpc-cluster:front: { machine: c8g.large }
  llama-rpc-cluster:backends: [{ name: gpu, machine: g6.xlarge, market: spot }]
`);
    expect(await main(["-s", "mine"], root)).toBe(0);
    expect(out).toMatch(/^target aws in us-west-2/m);
    expect(out).toMatch(/^decode +about [\d.]+ tokens per second/m);
    expect(out).toMatch(/^total +[\d.]+–[\d.]+ +[\d.]+–[\d.]+$/m);
    out = "";
    expect(await main(["-s", "mine", "--json"], root)).toBe(0);
    const plan: unknown = JSON.parse(out);
    expect(plan).toMatchObject({
      region: "us-west-2",
      machines: [{ name: "front" }, { name: "gpu-machine-0", market: "spot" }],
      speed: { decode: { boundBy: expect.any(String) } },
      cost: { lines: expect.arrayContaining([expect.objectContaining({ kind: "endpoints" })]) },
      front: { access: "ssm" },
    });
    out = "";
    expect(await main(["-s", "mine", "--svg"], root)).toBe(0);
    expect(out).toContain(">g6.xlarge</text>");
  });

  test("says how it is called", async () => {
    const { stdout } = await execa(process.execPath, ["cli/main.ts", "plan", "--help"]);
    expect(stdout).toContain("npm run plan -- [-s <stack>] [--json | --svg [<file>]]");
    expect(stdout).toContain("Stacks: aws-dev, aws-graviton, aws-prod, local, local-gpu");
  });

  test("answers a wrong configuration with every problem and 1", async () => {
    stackOf("config:\n  llama-rpc-cluster:target: podman\n  llama-rpc-cluster:model: {source: x}\n");
    expect(await main(["-s", "mine"], root)).toBe(1);
    expect(err).toMatch(
      /^3 problems in the configuration:\n {2}target .*\n {2}model\.source .*\n {2}backends is missing.*\n$/,
    );
    expect(out).toBe("");
  });

  test("answers a plan that can't be carried out with the plan, its errors and 1, also as JSON", async () => {
    stackOf(
      "config:\n  llama-rpc-cluster:model: {source: .models/" +
        `${SMALL_MODEL}}\n  llama-rpc-cluster:backends: [{name: a, memory: 64 MiB}]\n  llama-rpc-cluster:front: {memory: 256 MiB}\n`,
    );
    expect(await main(["-s", "mine"], root)).toBe(1);
    expect(out).toMatch(/error {4}The model does not fit/);
    expect(err).toContain("This plan can't be carried out");
    [out, err] = ["", ""];
    expect(await main(["-s", "mine", "--json"], root)).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ findings: [{ code: "model-does-not-fit" }] });
    expect(err).toMatch(/^The plan can't be carried out:\n {2}backends\[0\]/);
  });

  test("takes a model from where it is, and says that a cluster needs it here", async () => {
    const server = await fileServer();
    server.files.set("/model.gguf", modelFile({ layers: 30 }));
    stackOf(
      `config:\n  llama-rpc-cluster:model: {source: "${server.url}/model.gguf"}\n  llama-rpc-cluster:backends: [{name: a, memory: 2 GiB}]\n`,
    );
    expect(await main(["-s", "mine", "--json"], root)).toBe(0);
    await server.close();
    expect(JSON.parse(out)).toMatchObject({ model: { file: null, layers: 30 } });
    out = "";
    expect(await main(["-s", "mine", "--json"], root), "the second plan asks nobody").toBe(0);
  });

  test("answers a model that is not there with what to do", async () => {
    rmSync(join(root, ".models", SMALL_MODEL));
    expect(await main([], root)).toBe(1);
    expect(err).toContain("run `npm start`");
  });

  test.each([
    [
      ["--frobnicate"],
      'argument is "--frobnicate": it must be one of --stack, --json, --svg, --renew, --help. See npm run',
    ],
    [["--stak", "local"], "Did you mean --stack?"],
    [["-x"], "See npm run plan -- --help."],
    [["-s"], "--stack is missing: it must have a value. Write it like --stack <value>."],
    [["-s", "--json"], '--stack is "--json": it must have a value'],
    [["--json=yes"], '--json is "yes": it must stand alone'],
    [["local-gpu"], 'argument is "local-gpu": it must follow an option. Write -s local-gpu.'],
    [["stacks/Pulumi.local.yaml"], "Write -s local."],
    [["cluster.svg"], "Write --svg cluster.svg."],
    [["somewhere"], "See npm run plan -- --help."],
    [["--svg", "a.svg", "b.svg"], 'argument is "b.svg"'],
    [["--svg", "local"], "Write --svg local.svg -s local."],
    [["--svg="], "it must be the name of a file that ends in .svg"],
    [
      ["--svg", "--json"],
      "the file of --svg is missing: it must be given with --json, because both print to the output.",
    ],
    [["-s", "../x"], 'stack is "../x": it must be a name of letters, digits and _ . -'],
    [["-s", "elsewhere/Pulumi.local.yaml"], 'Write it like "local"; its file is stacks/Pulumi.local.yaml.'],
    [["-s", "loca"], "Did you mean local?"],
  ])("answers %j with what to do", async (argv, text) => {
    expect(await main(argv, root)).toBe(1);
    expect(err).toContain(text);
    expect(err).toMatch(/^1 problem in the /);
    expect(out).toBe("");
  });
});
