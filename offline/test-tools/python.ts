/** Python environments for the tests: one per tool, from lists of pinned packages with hashes. */
import { existsSync, readFileSync } from "node:fs";
import { chmod, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { execa } from "execa";
import semver from "semver";
import { projectRoot } from "../../setup/paths.ts";
import { answerOf, isRoot, tail, versionIn, which } from "../../setup/programs.ts";
import { keyOf } from "../../setup/stamps.ts";
import type { Report } from "../../setup/terminal.ts";
import { installPackages, isDebian } from "../debian.ts";
import { versions } from "../versions.ts";
import type { Tool } from "./tool.ts";

/** A Python virtual environment. */
export interface PythonEnvironment {
  /** List of packages in `python/`, without `.txt`. */
  list: string;
  /** Its folder. */
  folder: string;
  /**
   * Packages that this machine's own Python may have, each with the suitable versions: if it has all of them, nothing is
   * downloaded. @default always downloads
   */
  orOwn?: Readonly<Record<string, RegExp>>;
  /** Programs to create in `bin` if the machine's own packages are used: `module:function` by name. @default none */
  programs?: Readonly<Record<string, string>>;
}

/** Longest wait for all packages of one environment. */
const LIMIT_MS = 600_000;

const listOf = ({ list }: PythonEnvironment) => join(projectRoot, "offline", "test-tools", "python", `${list}.txt`);
const readyOf = ({ folder }: PythonEnvironment) => join(folder, "made-from");
const keyOfList = (environment: PythonEnvironment) => keyOf(readFileSync(listOf(environment), "utf8"));

/** A program of an environment; null if the environment was made from another list than the current one. */
export function pythonTool(environment: PythonEnvironment, program: string): Tool {
  const ready = readyOf(environment);
  const file = join(environment.folder, "bin", program);
  return {
    find: () => {
      const whole = existsSync(ready) && readFileSync(ready, "utf8") === keyOfList(environment);
      // Its Python is a link to the machine's Python, which may have been replaced.
      return whole && existsSync(join(environment.folder, "bin", "python")) && existsSync(file) ? file : null;
    },
    get: (report, signal) => makeEnvironment(environment, report, signal),
  };
}

async function makeEnvironment(environment: PythonEnvironment, report: Report, signal: AbortSignal): Promise<void> {
  const { folder } = environment;
  const base = await basePython(report, signal);
  // Scripts of an environment contain its path, so it is created in place; the mark at the end shows that it is complete.
  await rm(folder, { recursive: true, force: true });
  const own = await hasOwn(base, environment);
  const from = own ? "with the packages that this machine's Python has" : "with packages from PyPI, about 1 min";
  report.say(`makes the Python environment ${relative(projectRoot, folder)} ${from}`);
  await run(base, ["-m", "venv", ...(own ? ["--system-site-packages", "--without-pip"] : []), folder], signal);
  if (own) await writePrograms(environment);
  else {
    report.now(`installing ${environment.list}.txt from the Python package index`);
    const quietly = ["--quiet", "--disable-pip-version-check", "--no-input"];
    const checked = ["--require-hashes", "--requirement", listOf(environment)];
    await run(join(folder, "bin", "python"), ["-m", "pip", "install", ...quietly, ...checked], signal);
  }
  await writeFile(readyOf(environment), keyOfList(environment));
}

/** This machine's Python with venv; installs Debian's packages if there is none and it may. */
async function basePython(report: Report, signal: AbortSignal): Promise<string> {
  const found = await usable(which("python3"));
  if (found !== null) return found;
  const { minimum } = versions.python;
  const lack = `no python3 of version ${minimum} or newer with venv and pip on PATH`;
  if (!isDebian()) throw new Error(`${lack}: install Python ${minimum} or newer`);
  if (!isRoot()) throw new Error(`${lack}, and only root can install it: sudo apt-get install python3 python3-venv`);
  report.say("outside this project's folder: installs the Debian packages python3 and python3-venv (apt-get)");
  await installPackages(["python3", "python3-venv"], report, signal);
  const installed = await usable("/usr/bin/python3");
  if (installed === null) throw new Error(`${lack}; Debian's own is older: install Python ${minimum} or newer`);
  return installed;
}

async function usable(python: string | null): Promise<string | null> {
  if (python === null) return null;
  const version = versionIn((await answerOf(python, ["--version"])) ?? "");
  if (version === null || !semver.gte(version, versions.python.minimum)) return null;
  return (await answerOf(python, ["-c", "import ensurepip, venv"])) === null ? null : python;
}

async function hasOwn(python: string, { orOwn }: PythonEnvironment): Promise<boolean> {
  if (orOwn === undefined) return false;
  for (const [name, wanted] of Object.entries(orOwn)) {
    const ask = `import importlib.metadata; print(importlib.metadata.version(${JSON.stringify(name)}))`;
    if (!wanted.test((await answerOf(python, ["-c", ask])) ?? "")) return false;
  }
  return true;
}

async function writePrograms({ folder, programs = {} }: PythonEnvironment): Promise<void> {
  for (const [name, entry] of Object.entries(programs)) {
    const [module, call] = entry.split(":");
    const file = join(folder, "bin", name);
    const python = join(folder, "bin", "python");
    await writeFile(file, `#!${python}\nimport sys\nfrom ${module} import ${call}\nsys.exit(${call}())\n`);
    await chmod(file, 0o755);
  }
}

async function run(program: string, args: string[], signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  const result = await execa(program, args, { reject: false, all: true, stdin: "ignore", cancelSignal: limit });
  signal.throwIfAborted();
  if (result.failed)
    throw new Error(`${args.slice(0, 3).join(" ")} failed: ${tail(result.all || result.shortMessage || "")}`);
}
