/** What was made from which pins: a step's result counts only while the pins that it was made from are today's. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A hash over texts, in order. */
export function keyOf(...parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return hash.digest("hex");
}

/** A hash over a folder's files, names included. */
export function folderKey(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return keyOf(...files.flatMap((file) => [file.slice(folder.length), readFileSync(file, "utf8")]));
}

/** Whether the stamp says that the result was made from these pins. */
export function isStamped(stamps: string, name: string, key: string): boolean {
  const file = join(stamps, name);
  return existsSync(file) && readFileSync(file, "utf8").trim() === key;
}

/** Writes a file so that it is either the old one or the new one, never half of it. */
export async function writeAtomically(file: string, text: string, mode = 0o644): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, text, { mode });
  await rename(temporary, file);
}

/** Remembers the pins; to be called when the result is in place. */
export async function stamp(stamps: string, name: string, key: string): Promise<void> {
  await mkdir(stamps, { recursive: true });
  await writeAtomically(join(stamps, name), `${key}\n`);
}
