import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readMachine } from "../../config/machine.ts";
import { parseCluster } from "../../config/parse.ts";
import { readStackFile, stackNames } from "../../config/stack.ts";
import { knownMachine, writeMachine } from "../../setup/machine-file.ts";
import { pathsOf } from "../../setup/paths.ts";

let root = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "stack-files-"));
  mkdirSync(join(root, "stacks"));
  mkdirSync(join(root, ".toolchain"));
});

afterEach(() => rmSync(root, { recursive: true }));

const writeStack = (name: string, text: string) => writeFileSync(join(root, "stacks", `Pulumi.${name}.yaml`), text);
const writeMachineText = (text: string) => writeFileSync(join(root, ".toolchain", "machine.json"), text);

describe("a stack file", () => {
  test("gives the project's keys, and leaves out those of providers", () => {
    writeStack(
      "local",
      "config:\n  llama-rpc-cluster:target: docker\n  llama-rpc-cluster:backends: [{name: a}]\n  aws:region: x\n",
    );
    expect(readStackFile("local", root)).toEqual({ target: "docker", backends: [{ name: "a" }] });
  });

  test("that is not there is answered with those that are", () => {
    writeStack("local", "config: {}\n");
    writeStack("aws-dev", "config: {}\n");
    expect(stackNames(root)).toEqual(["aws-dev", "local"]);
    expect(() => readStackFile("loca", root)).toThrow(
      '1 problem in the configuration:\n  stack is "loca": it must be one of aws-dev, local. Did you mean local?',
    );
  });

  test("in a project without any is answered with where to write it", () => {
    rmSync(join(root, "stacks"), { recursive: true });
    expect(() => readStackFile("local", root)).toThrow(
      "must have a file stacks/Pulumi.<stack>.yaml. Name one of them with -s, or write stacks/Pulumi.local.yaml.",
    );
  });

  test("that is no YAML is answered with the line", () => {
    writeStack("local", "config:\n  llama-rpc-cluster:model: {source: x\n  b: ]\n");
    expect(() => readStackFile("local", root)).toThrow(
      /stacks\/Pulumi\.local\.yaml is ".*: it must be YAML. Correct it at line 3, column 3\./,
    );
  });

  test("without a config block is answered with what it must hold", () => {
    writeStack("local", "environment: []\n");
    expect(() => readStackFile("local", root)).toThrow(
      "config in stacks/Pulumi.local.yaml is missing: it must be a mapping of keys such as llama-rpc-cluster:model.",
    );
  });

  test("may write on and off without quotation marks", () => {
    writeStack(
      "local",
      "config:\n  llama-rpc-cluster:model: {source: m.gguf, flashAttention: off}\n" +
        "  llama-rpc-cluster:backends: [{name: a, memory: 1 GiB}]\n",
    );
    expect(parseCluster(readStackFile("local", root)).model.flashAttention).toBe("off");
  });
});

describe("the machine file", () => {
  const source = { value: "llama-rpc-cluster/llamacpp-source:0c1e57098", version: "0c1e57098" };

  test("is nothing where set-up has not written it", () => expect(readMachine(root)).toEqual({ buildArgs: {} }));

  test("holds build arguments with the builds that they are for, and which builder the builds need", () => {
    const machine = {
      buildArgs: { LLAMACPP_SOURCE: source, CUDA_FROM: { value: "debian", flavour: "cuda" } },
      builder: "engine",
    };
    writeMachineText(JSON.stringify(machine));
    expect(readMachine(root)).toEqual(machine);
  });

  test.each([
    "{",
    "[]",
    "{}",
    '{"colour": "blue"}',
    '{"buildArgs": {"CUDA_FROM": "debian"}}',
    '{"buildArgs": {}, "builder": "remote"}',
    '{"buildArgs": {"lower case": {"value": "x"}}}',
    // What earlier versions wrote.
    '{"llamaCppSourceImage": "llama-rpc-cluster/llamacpp-source:0c1e57098", "cudaFrom": "debian"}',
  ])("that holds %s is refused with how to get a right one, and set-up takes it for absent", (text) => {
    writeMachineText(text);
    expect(() => readMachine(root)).toThrow(/\.toolchain\/machine\.json.*Run `npm start`/);
    expect(knownMachine(pathsOf(root))).toBeNull();
  });

  test("is read back as set-up wrote it", async () => {
    await writeMachine({ buildArgs: { LLAMACPP_SOURCE: source }, builder: "engine" }, pathsOf(root));
    expect(knownMachine(pathsOf(root))).toEqual(readMachine(root));
    expect(readMachine(root)).toEqual({ buildArgs: { LLAMACPP_SOURCE: source }, builder: "engine" });
  });
});
