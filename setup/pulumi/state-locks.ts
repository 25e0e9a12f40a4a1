/**
 * Locks that a killed Pulumi left in the project's own state folder. A file backend keeps one file per running update,
 * and an update whose process was killed keeps everyone out until `pulumi cancel`; where the holder was a process of this
 * machine that is gone, that can be done without asking.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

/** What Pulumi writes into a lock file. */
export interface StateLock {
  pid: number;
  hostname: string;
}

/** Whether nobody can be holding the lock any more. */
export function isAbandoned(text: string, here: string, isAlive: (pid: number) => boolean): boolean {
  try {
    const lock = JSON.parse(text) as Partial<StateLock>;
    return typeof lock.pid === "number" && lock.hostname === here && !isAlive(lock.pid);
  } catch {
    return false; // half written: its writer may be at it
  }
}

function processIsAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Removes abandoned locks and answers how many there were. */
export function releaseAbandonedLocks(stateFolder: string): number {
  const folder = join(stateFolder, ".pulumi", "locks");
  if (!existsSync(folder)) return 0;
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".json"))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => isAbandoned(readFileSync(file, "utf8"), hostname(), processIsAlive));
  for (const file of files) rmSync(file, { force: true });
  return files.length;
}
