/**
 * Programs from Debian's packages, unpacked into the project's folder instead of installed, because an installed
 * docker-registry would start a service and cloud-init would run at this machine's next boot.
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { isRoot, tail } from "../../setup/programs.ts";
import type { Report } from "../../setup/terminal.ts";
import { isDebian } from "../debian.ts";

const LIMIT_MS = 180_000;

/** Unpacks a package to a folder, atomically. Does nothing if the folder exists. */
export async function unpackPackage(name: string, folder: string, report: Report, signal: AbortSignal): Promise<void> {
  if (existsSync(folder)) return;
  if (!isDebian())
    throw new Error(`its package is known for Debian and Ubuntu only: install ${name} so that it is on PATH`);
  await mkdir(dirname(folder), { recursive: true });
  const scratch = await mkdtemp(`${folder}.`);
  const run = async (program: string, args: string[]): Promise<string | null> => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
    const options = { cwd: scratch, reject: false, all: true, stdin: "ignore", cancelSignal: limit } as const;
    const result = await execa(program, args, options);
    signal.throwIfAborted();
    return result.failed ? tail(result.all || result.shortMessage || "") : null;
  };
  try {
    report.now(`fetching Debian's package ${name}`);
    let failure = await run("apt-get", ["download", name]);
    if (failure !== null && isRoot()) {
      report.say("outside this project's folder: fetches the lists of Debian packages (apt-get update)");
      await run("apt-get", ["-o", "DPkg::Lock::Timeout=300", "update"]);
      failure = await run("apt-get", ["download", name]);
    }
    const remedy = isRoot() ? "" : ` (are the package lists missing? sudo apt-get update)`;
    if (failure !== null) throw new Error(`apt-get download ${name} failed${remedy}: ${failure}`);
    const archive = (await readdir(scratch)).find((file) => file.endsWith(".deb"));
    if (archive === undefined) throw new Error(`apt-get download ${name} left no package`);
    const unpacked = await run("dpkg-deb", ["--extract", archive, "whole"]);
    if (unpacked !== null) throw new Error(`dpkg-deb --extract of ${archive} failed: ${unpacked}`);
    await rename(join(scratch, "whole"), folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
