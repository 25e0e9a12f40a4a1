/**
 * Keeps Pulumi's encryption salt out of the stack files of git.
 *
 * With a passphrase Pulumi writes an `encryptionsalt` into `stacks/Pulumi.<stack>.yaml` whenever a command needs the key.
 * The file is the same for everyone, the salt belongs to one user's passphrase: committed it would lock everyone else
 * out, uncommitted it would leave every clone dirty. The state holds the same salt, and with
 * PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER Pulumi takes it from there, so in the project's own backend the line is
 * removed again after each run. It stays where the file itself holds secrets (`secure:`), which only it can open.
 */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The text without its salt; unchanged where the salt is needed or absent. */
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
 * Takes the salt out of the stack files, and remembers them; the answer puts those back that differ by nothing but a salt.
 * One that is there already came from `pulumi` typed by hand, perhaps of somebody else, whose key opens nothing here.
 */
export function guardStackFiles(root: string): () => void {
  const before = new Map(stackFiles(root).map((file) => [file, readFileSync(file, "utf8")]));
  const restore = () => {
    for (const file of stackFiles(root)) {
      const text = readFileSync(file, "utf8");
      const clean = withoutSalt(text);
      if (clean === text) continue;
      // Pulumi writes the whole file anew; where only spelling changed beside the salt, the user's own spelling is kept.
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
