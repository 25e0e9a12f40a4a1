import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { awsPlan, PUBLISHED_CLUSTER } from "../support/aws-plans.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const COMMAND = `aws ssm start-session --target i-0f --parameters '{"portNumber":["8080"]}'`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-connect-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const pulumi = () => ({
  cwd: ROOT,
  env: {
    PATH: [folder, join(ROOT, ".toolchain/bin"), process.env["PATH"] ?? ""].join(delimiter),
    PULUMI_BACKEND_URL: `file://${folder}`,
    PULUMI_CONFIG_PASSPHRASE: "only for tests",
  },
});

const connect = (...args: string[]) =>
  execa(process.execPath, ["cli/main.ts", "connect", ...args], { ...pulumi(), reject: false });

/** Makes a stack whose state says that it is up. */
async function stackWith(stack: string, connectOutput: string): Promise<void> {
  const urn = (type: string, name: string) => `urn:pulumi:${stack}::llama-rpc-cluster::${type}::${name}`;
  const plan = { text: JSON.stringify(awsPlan(PUBLISHED_CLUSTER)) };
  const root = urn("pulumi:pulumi:Stack", `llama-rpc-cluster-${stack}`);
  const outputs = { endpoint: "http://127.0.0.1:8080", apiKey: "key", connect: connectOutput, plan };
  const type = "llama-rpc-cluster:aws:AwsCluster";
  const cluster = { urn: urn(type, "cluster"), type, custom: false, parent: root };
  const state = {
    version: 3,
    deployment: {
      manifest: { time: "2026-01-01T00:00:00Z", magic: "", version: "" },
      resources: [
        { urn: root, type: "pulumi:pulumi:Stack", custom: false, outputs },
        { ...cluster, outputs: { connectCommand: COMMAND } },
      ],
    },
  };
  const file = join(folder, `${stack}.json`);
  writeFileSync(file, JSON.stringify(state));
  await execa("pulumi", ["stack", "init", stack], pulumi());
  await execa("pulumi", ["stack", "import", "--stack", stack, "--file", file], pulumi());
}

/** Puts a program in front of all others that says how it was called. */
function program(name: string): void {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\necho "${name} was called with: $*"\nexit 3\n`);
  chmodSync(file, 0o755);
}

describe("npm run connect", () => {
  test("wants a stack, and says so with exit code 1", async () => {
    const { exitCode, stderr } = await connect();
    expect(exitCode).toBe(1);
    expect(stderr).toContain("--stack is missing (npm run connect -- --help)");
  });

  test("says that an endpoint which needs no command is reachable", async () => {
    await stackWith("test-connect-open", "");
    const { exitCode, stdout } = await connect("-s", "test-connect-open");
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "http://127.0.0.1:8080 is reachable as it is." });
  });

  test("prints the long command if it is asked to, and runs it otherwise", async () => {
    await stackWith("test-connect", "npm run connect -- -s test-connect");
    expect((await connect("-s", "test-connect", "--print")).stdout).toBe(COMMAND);
    for (const name of ["aws", "session-manager-plugin"]) program(name);
    const { exitCode, stdout } = await connect("-s", "test-connect");
    expect(stdout).toContain(
      'aws was called with: ssm start-session --target i-0f --parameters {"portNumber":["8080"]}',
    );
    expect(exitCode, "the session's own exit code").toBe(3);
  });
});
