/**
 * Locks that a killed Pulumi left in the project's own state folder. A file backend keeps one lock file per running update,
 * and the lock of a killed update blocks every other one until `pulumi cancel`. If the holder was a process of this machine
 * that no longer exists, the lock can be removed without asking.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { jsonAnswer } from "../answer.ts";

/** The part of Pulumi's lock file that names its holder. */
const lockSchema = z.object({ pid: z.number(), hostname: z.string() });

/** Whether the process that held the lock is gone for certain. */
export function isAbandoned(text: string, here: string, isAlive: (pid: number) => boolean): boolean {
  try {
    const lock = jsonAnswer(text, lockSchema, "the lock file");
    return lock.hostname === here && !isAlive(lock.pid);
  } catch {
    return false; // incomplete: its writer may be running
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

/** Removes abandoned locks and returns their number. */
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
