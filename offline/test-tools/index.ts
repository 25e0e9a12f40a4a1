/**
 * What the tests of target aws need beside Node: an EC2 double, the AWS command line, checkers of what runs at boot, a
 * container registry. Kept in `.toolchain/test-python` and `.toolchain/test-tools`, from PyPI and Debian's packages.
 */
import { join } from "node:path";
import { acquire } from "../../setup/lock.mjs";
import { which } from "../../setup/programs.ts";
import type { Report } from "../../setup/terminal.ts";
import type { AwsTestTools, Checkov, ProgramOrReason, TestTools } from "../../setup/test-tools.ts";
import { ensureLintTools } from "../lint-tools.ts";
import { compose } from "./compose.ts";
import { cloudInit, emulator, faketime, registry, systemdAnalyze } from "./debian-tools.ts";
import { type PythonEnvironment, pythonTool } from "./python.ts";
import { providerMirror } from "./terraform.ts";
import type { Tool } from "./tool.ts";

/** Longest wait for all that is missing; what another process gets meanwhile counts. */
const LIMIT_MS = 1_200_000;

/** Tells what lasts; tests have no live line for what goes on just now. */
const onConsole: Report = { say: (text) => console.log(`test tools: ${text}`), now: () => {} };

/**
 * Makes the tools ready and says where they are. A second call finds them and starts nothing; of two at once one waits.
 *
 * @param root the project's root directory
 * @param report is told what is got, and what is installed or changed outside the project
 */
export async function ensureAwsTestTools(root: string, report = onConsole): Promise<AwsTestTools> {
  const aws: PythonEnvironment = {
    list: "aws",
    folder: join(root, ".toolchain", "test-python"),
    orOwn: { moto: /^5\.2\./, flask: /./, "flask-cors": /./, awscli: /^1\.4[5-9]\./ },
    programs: { aws: "awscli.clidriver:main" },
  };
  const folder = join(root, ".toolchain", "test-tools");
  const { found, reasons: lacks } = await ensure(root, report, {
    python: pythonTool(aws, "python"),
    aws: pythonTool(aws, "aws"),
    cloudInit: cloudInit(folder),
    systemdAnalyze,
    registry: registry(folder),
    faketime: faketime(folder),
  });
  const reasons: AwsTestTools["reasons"] = { ...lacks };
  const terraform = which("terraform");
  const terraformProviderMirror = providerMirror();
  if (terraform === null) reasons.terraform = "no terraform on PATH: install Terraform 1.11 or newer";
  if (terraformProviderMirror === null) {
    reasons.terraformProviderMirror =
      "no mirror of Terraform providers that holds hashicorp/aws: terraform providers mirror <folder>, and name the folder in TF_PLUGIN_CACHE_DIR";
  }
  return { ...found, terraform, terraformProviderMirror, reasons };
}

/**
 * Makes checkov ready: 0.5 GB in an environment of its own, which only `test/lint` needs.
 *
 * @param root the project's root directory
 * @param report is told what is got, and what is installed or changed outside the project
 */
export async function ensureCheckov(root: string, report = onConsole): Promise<Checkov> {
  const environment = { list: "checkov", folder: join(root, ".toolchain", "test-tools", "checkov") };
  const { found, reasons } = await ensure(root, report, { checkov: pythonTool(environment, "checkov") });
  return { checkov: found.checkov, reason: reasons.checkov ?? null };
}

/**
 * Makes Docker Compose ready: the plugin that this machine has, or one that is built.
 *
 * @param root the project's root directory
 * @param report is told what is got, and what is installed or changed outside the project
 */
export async function ensureCompose(root: string, report = onConsole): Promise<ProgramOrReason> {
  const folder = join(root, ".toolchain", "test-tools");
  const { found, reasons } = await ensure(root, report, { program: compose(folder) });
  return { program: found.program, reason: reasons.program ?? null };
}

/**
 * Makes a statically linked emulator of programs ready, which `npm run test:images` registers with the kernel.
 *
 * @param root the project's root directory
 * @param name as qemu calls it: `qemu-aarch64`
 * @param report is told what is got, and what is installed or changed outside the project
 */
export async function ensureEmulator(root: string, name: string, report = onConsole): Promise<ProgramOrReason> {
  const folder = join(root, ".toolchain", "test-tools");
  const { found, reasons } = await ensure(root, report, { program: emulator(folder, name) });
  return { program: found.program, reason: reasons.program ?? null };
}

async function ensure<Name extends string>(
  root: string,
  report: Report,
  tools: Record<Name, Tool>,
): Promise<{ found: Record<Name, string | null>; reasons: Partial<Record<Name, string>> }> {
  const names = Object.keys(tools) as Name[];
  const look = () => Object.fromEntries(names.map((name) => [name, tools[name].find()])) as Record<Name, string | null>;
  const reasons: Partial<Record<Name, string>> = {};
  if (Object.values(look()).every((path) => path !== null)) return { found: look(), reasons };
  const signal = AbortSignal.timeout(LIMIT_MS);
  const wait = (holder: number, seconds: number) =>
    report.say(`process ${holder} gets them; waiting for it (${seconds} s)`);
  const lock = await acquire(join(root, ".toolchain", "test-tools.lock"), wait, signal);
  try {
    for (const name of names) {
      // Looked for anew each time: another process may have got it, or the tool before it.
      if (tools[name].find() !== null) continue;
      try {
        await tools[name].get(report, signal);
      } catch (error) {
        reasons[name] = `${name} can't be had: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
  } finally {
    lock.release();
  }
  return { found: look(), reasons };
}

/** What test/support/test-tools.ts looks for here. */
export const testTools: TestTools = {
  ensureAwsTestTools,
  ensureCheckov,
  ensureCompose,
  ensureEmulator,
  ensureLintTools,
};
