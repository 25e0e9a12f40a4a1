import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectFiles, root } from "../lint/files.ts";

const DOOR = '"../offline/ways.ts"';

describe("a copy of the project without offline/, with one line of cli/steps.ts changed", () => {
  let copy = "";

  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), "without-offline-"));
    for (const file of projectFiles().filter((name) => !name.startsWith("offline/"))) {
      cpSync(join(root, file), join(copy, file), { recursive: true });
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    // Some tests ask git which files there are.
    execFileSync("git", ["init", "--quiet"], { cwd: copy });
    writeFileSync(join(copy, ".git", "info", "exclude"), "node_modules\n");
    const steps = join(copy, "cli", "steps.ts");
    const lines = readFileSync(steps, "utf8").split("\n");
    const changed = lines.map((line) => line.replace(DOOR, '"../setup/official-only.ts"'));
    expect(
      changed.filter((line, index) => line !== lines[index]),
      "exactly one line names the folder",
    ).toHaveLength(1);
    writeFileSync(steps, changed.join("\n"));
  });

  afterAll(() => rmSync(copy, { recursive: true }));

  const run = (file: string, args: readonly string[]) =>
    execa(join(copy, file), args, { cwd: copy, reject: false, all: true, env: { NODE_OPTIONS: "" } });
  const installed = (name: string) => join("node_modules", ".bin", name);

  test("passes the type checker", async () => {
    const { exitCode, all } = await run(installed("tsc"), ["--noEmit"]);
    expect(exitCode, all).toBe(0);
  });

  test("passes its unit tests", async () => {
    const { exitCode, all } = await run(installed("vitest"), ["run", "--project=unit", "--reporter=dot"]);
    expect(exitCode, all.slice(-4_000)).toBe(0);
  });

  test("plans every stack whose model it has", async () => {
    const plan = [join("cli", "main.ts"), "plan", "-s", "aws-dev"];
    const { exitCode, all } = await execa(process.execPath, plan, { cwd: copy, reject: false, all: true });
    expect(exitCode, all).toBe(0);
    expect(all).toContain("--tensor-split");
  });

  test("lists its commands and sets up by the official ways alone", async () => {
    const help = await execa(process.execPath, [join("cli", "main.ts"), "--help"], { cwd: copy });
    expect(help.stdout).toContain("npm run doctor");
    const script = `import { allSteps } from ${JSON.stringify(join(copy, "cli/steps.ts"))};
      console.log(JSON.stringify(allSteps.map(({ getWithoutDownloads }) => getWithoutDownloads ?? null)));`;
    const { stdout } = await execa(process.execPath, ["--input-type=module-typescript", "--eval", script], {
      cwd: copy,
    });
    expect(new Set(JSON.parse(stdout) as unknown[])).toEqual(new Set([null]));
  });

  test("skips a test whose tool it lacks, with the reason, and counts it", async () => {
    const linters = ["run", "--project=lint", join("test", "lint", "linters.test.ts")];
    const { exitCode, all } = await run(installed("vitest"), [...linters, "--reporter=./test/support/reporter.ts"]);
    expect(all).toContain(
      "shellcheck passes every shell script: offline/, which gets the tools of the tests, is not part",
    );
    expect(all.trimEnd()).toMatch(/\n0 passed, 0 failed, 3 skipped$/);
    expect(exitCode).toBe(0);
  });
});
