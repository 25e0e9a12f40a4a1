/**
 * Keeps Pulumi's encryption salt out of the stack files of git.
 *
 * With a passphrase, Pulumi writes an `encryptionsalt` into `stacks/Pulumi.<stack>.yaml` whenever a command needs the key.
 * The file is shared by everyone, but the salt belongs to one user's passphrase: if it were committed, everyone else would be
 * locked out; if not, every clone would be dirty. The state holds the same salt, and with
 * PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER Pulumi reads it from there. So in the project's own backend the line is removed
 * after each run. It stays if the file itself holds secrets (`secure:`), because only this salt decrypts them.
 */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The text without its salt; unchanged if the salt is needed or absent. */
export function withoutSalt(text: string): string {
  if (/^\s+(-\s+)?secure:/m.test(text)) return text;
  return text.replace(/^encryptionsalt:.*\n?/m, "");
}

const stackFiles = (root: string): string[] => {
  const folder = join(root, "stacks");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^Pulumi\..+\.yaml$/.test(name))
    .map((name) => join(folder, name));
};

/**
 * Removes the salt from the stack files and remembers the files. The returned function restores those that differ only by a
 * salt. An existing salt came from a `pulumi` typed by hand, perhaps by another user, whose key decrypts nothing here.
 */
export function guardStackFiles(root: string): () => void {
  const before = new Map(stackFiles(root).map((file) => [file, readFileSync(file, "utf8")]));
  const restore = () => {
    for (const file of stackFiles(root)) {
      const text = readFileSync(file, "utf8");
      const clean = withoutSalt(text);
      if (clean === text) continue;
      // Pulumi rewrites the whole file; if only the formatting changed besides the salt, keep the user's formatting.
      const old = before.get(file);
      const restored = old !== undefined && sameLines(withoutSalt(old), clean) ? withoutSalt(old) : clean;
      const temporary = `${file}.${process.pid}.tmp`;
      writeFileSync(temporary, restored);
      renameSync(temporary, file);
    }
  };
  restore();
  return restore;
}

/** Equal up to indentation and blank lines. */
function sameLines(a: string, b: string): boolean {
  const lines = (text: string) =>
    text
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "")
      .join("\n");
  return lines(a) === lines(b);
}
