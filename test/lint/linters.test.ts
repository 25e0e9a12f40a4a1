import { execa } from "execa";
import { beforeAll, describe, expect, test } from "vitest";
import { disagreements } from "../support/accepted-findings.ts";
import { ensureLintTools, type LintToolName, type LintTools } from "../support/test-tools.ts";
import { dockerfiles, root, shellScripts, workflows } from "./files.ts";

const GET_AND_BUILD_MS = 300_000;

describe("the linters find nothing", () => {
  let tools: LintTools;
  beforeAll(async () => {
    tools = await ensureLintTools(root);
  }, GET_AND_BUILD_MS);

  /** The linter's program, or a skip with the printed reason. */
  function need(name: LintToolName, skip: (reason: string) => never): string {
    const program = tools[name];
    if (program !== null) return program;
    const reason = tools.reasons[name] ?? `${name} is missing`;
    console.warn(`skipped: ${reason}`);
    return skip(reason);
  }

  /** Runs a linter over all files at once; its own words are the failure's message. */
  async function expectClean(program: string, args: string[]): Promise<void> {
    const result = await execa(program, args, { cwd: root, reject: false, all: true });
    expect(result.exitCode, `\n${result.all}\nMend each finding, or silence it in place with the reason.`).toBe(0);
  }

  test("shellcheck passes every shell script", async (ctx) => {
    const scripts = shellScripts();
    const shellcheck = need("shellcheck", (reason) => ctx.skip(reason));
    if (scripts.length > 0)
      await expectClean(shellcheck, ["--external-sources", "--source-path=SCRIPTDIR", ...scripts]);
  });

  test("hadolint finds nothing in the Dockerfiles that is not accepted with its reason", async (ctx) => {
    const hadolint = need("hadolint", (reason) => ctx.skip(reason));
    // What is accepted is in one file, for all tools; nothing in the Dockerfiles themselves silences a rule.
    const args = ["--no-fail", "--format", "json", "--disable-ignore-pragma", ...dockerfiles()];
    const { stdout } = await execa(hadolint, args, { cwd: root });
    const said = JSON.parse(stdout) as { code: string; file: string; line: number; message: string }[];
    const findings = said.map(({ code, file, line, message }) => ({
      rule: code,
      where: file,
      what: `line ${line}: ${message}`,
    }));
    expect(disagreements("hadolint", findings)).toEqual([]);
  });

  test("actionlint passes every workflow and the scripts inside it", async (ctx) => {
    const actionlint = need("actionlint", (reason) => ctx.skip(reason));
    const shellcheck = tools.shellcheck ?? "";
    await expectClean(actionlint, ["-no-color", `-shellcheck=${shellcheck}`, "-pyflakes=", ...workflows()]);
  });
});
