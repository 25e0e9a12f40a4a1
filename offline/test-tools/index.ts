/**
 * Tools for the tests of target aws: an EC2 double, the AWS command line, checkers for the boot files, a container registry.
 * They come from PyPI and Debian's packages and are kept in `.toolchain/test-python` and `.toolchain/test-tools`.
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

/** Longest wait for all missing tools, including the wait for another process that installs them. */
const LIMIT_MS = 1_200_000;

/** Prints lasting lines only, because tests have no live line. */
const onConsole: Report = { say: (text) => console.log(`test tools: ${text}`), now: () => {} };

/**
 * Installs missing tools and returns the paths of all. A second call only finds them; a parallel call waits.
 *
 * @param root the project's root directory
 * @param report gets what is installed, and every change outside the project
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
 * Installs checkov, which only `test/lint` needs: 0.5 GB in a separate environment.
 *
 * @param root the project's root directory
 * @param report gets what is installed, and every change outside the project
 */
export async function ensureCheckov(root: string, report = onConsole): Promise<Checkov> {
  const environment = { list: "checkov", folder: join(root, ".toolchain", "test-tools", "checkov") };
  const { found, reasons } = await ensure(root, report, { checkov: pythonTool(environment, "checkov") });
  return { checkov: found.checkov, reason: reasons.checkov ?? null };
}

/**
 * Finds this machine's Docker Compose plugin, or builds it.
 *
 * @param root the project's root directory
 * @param report gets what is installed, and every change outside the project
 */
export async function ensureCompose(root: string, report = onConsole): Promise<ProgramOrReason> {
  const folder = join(root, ".toolchain", "test-tools");
  const { found, reasons } = await ensure(root, report, { program: compose(folder) });
  return { program: found.program, reason: reasons.program ?? null };
}

/**
 * Installs a statically linked emulator, which `npm run test:images` registers with the kernel.
 *
 * @param root the project's root directory
 * @param name qemu's name: `qemu-aarch64`
 * @param report gets what is installed, and every change outside the project
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
    report.say(`process ${holder} installs them; waiting for it (${seconds} s)`);
  const lock = await acquire(join(root, ".toolchain", "test-tools.lock"), wait, signal);
  try {
    for (const name of names) {
      // Search again each time: another process, or the step of another tool, may have installed it.
      if (tools[name].find() !== null) continue;
      try {
        await tools[name].get(report, signal);
      } catch (error) {
        reasons[name] = `${name} is not available: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
  } finally {
    lock.release();
  }
  return { found: look(), reasons };
}

/** The exports that test/support/test-tools.ts expects. */
export const testTools: TestTools = {
  ensureAwsTestTools,
  ensureCheckov,
  ensureCompose,
  ensureEmulator,
  ensureLintTools,
};
