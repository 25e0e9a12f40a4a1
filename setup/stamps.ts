/** Records the pins that results were made from: a result counts only if they equal the current pins. */
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

/** Whether the result was made from these pins, by its stamp. */
export function isStamped(stamps: string, name: string, key: string): boolean {
  const file = join(stamps, name);
  return existsSync(file) && readFileSync(file, "utf8").trim() === key;
}

/** Replaces a file atomically. */
export async function writeAtomically(file: string, text: string, mode = 0o644): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, text, { mode });
  await rename(temporary, file);
}

/** Records the pins; call it when the result is in place. */
export async function stamp(stamps: string, name: string, key: string): Promise<void> {
  await mkdir(stamps, { recursive: true });
  await writeAtomically(join(stamps, name), `${key}\n`);
}
