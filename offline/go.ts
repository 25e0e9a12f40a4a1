/** Builds programs from Go modules, for machines where only the module proxy answers. */
import { existsSync } from "node:fs";
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import semver from "semver";
import { paths } from "../setup/paths.ts";
import { answerOf, tail, versionIn } from "../setup/programs.ts";
import { folderKey, isStamped, keyOf, stamp } from "../setup/stamps.ts";
import type { Report } from "../setup/terminal.ts";
import { versions } from "./versions.ts";

/** A program and the module (a folder in `offline/go/`) that it is built from. */
export interface GoProgram {
  /** Folder in `offline/go/`. */
  module: string;
  /** Package to build. */
  package: string;
  linkerFlags: string;
  /** Path of the built program. */
  output: string;
  /** Duration on two cores, in words. */
  typical: string;
}

let goVersion: Promise<string | null> | undefined;

/** Null if Go is installed and new enough; otherwise the remedy. */
export async function goMissing(): Promise<string | null> {
  goVersion ??= answerOf("go", ["version"]);
  const found = versionIn((await goVersion) ?? "");
  const { minimum, fetchesNewer } = versions.go;
  if (found === null) return `Go is not on PATH: install Go ${minimum} or newer (https://go.dev/dl)`;
  // From 1.21 on, Go fetches the version that a module needs, unless its settings forbid it.
  if (semver.gte(found, minimum)) return null;
  if (semver.gte(found, fetchesNewer) && (await answerOf("go", ["env", "GOTOOLCHAIN"])) !== "local") return null;
  return `Go is ${found}, ${minimum} or newer is needed (https://go.dev/dl)`;
}

/** The changes of a build outside the project. */
export const goCaches = async (): Promise<string[]> => [
  "fills Go's caches of modules and builds (go env GOMODCACHE GOCACHE; go clean -modcache -cache empties them)",
];

const folderOf = (program: GoProgram) => join(paths.root, "offline", "go", program.module);

const keyOfProgram = (program: GoProgram) =>
  keyOf(folderKey(folderOf(program)), program.package, program.linkerFlags, process.platform, process.arch);

/** Whether the program exists and was built from the current pins. */
export function isBuilt(program: GoProgram): boolean {
  const name = `go-${program.module}`;
  return existsSync(program.output) && isStamped(paths.stamps, name, keyOfProgram(program));
}

/** Builds the program; Go's own caches make a second build of the same pins a matter of seconds. */
export async function build(program: GoProgram, report: Report, signal: AbortSignal): Promise<void> {
  await mkdir(paths.build, { recursive: true });
  await mkdir(dirname(program.output), { recursive: true });
  const temporary = join(paths.build, `${basename(program.output)}.${process.pid}`);
  let compiled = 0;
  let complaint = "";
  try {
    const child = execa(
      "go",
      [
        "build",
        "-mod=readonly",
        "-trimpath",
        "-buildvcs=false",
        "-v",
        "-ldflags",
        program.linkerFlags,
        "-o",
        temporary,
        program.package,
      ],
      {
        cwd: folderOf(program),
        // Go's default of GOGC: the commands' value would cost memory that large compilations need.
        env: { GOWORK: "off", GOGC: "100" },
        stdin: "ignore",
        reject: false,
        cancelSignal: signal,
        buffer: false,
      },
    );
    report.now("resolving modules, checking Go's caches");
    for await (const line of child.iterable({ from: "stderr" })) {
      if (line.startsWith("go: downloading ")) {
        report.now(`downloading module ${line.slice("go: downloading ".length)}`);
      } else if (/^[\w.-]+(\/[\w.~-]+)*$/.test(line)) {
        compiled += 1;
        report.now(`compiling, ${compiled} packages so far; ${program.typical}`);
      } else {
        complaint = `${complaint}${line}\n`.slice(-4_000);
      }
    }
    const result = await child;
    signal.throwIfAborted();
    if (result.failed)
      throw new Error(`go build of ${program.package} failed:\n    ${tail(complaint || (result.shortMessage ?? ""))}`);
    await chmod(temporary, 0o755);
    await rename(temporary, program.output);
    await stamp(paths.stamps, `go-${program.module}`, keyOfProgram(program));
  } finally {
    await rm(temporary, { force: true });
  }
}
