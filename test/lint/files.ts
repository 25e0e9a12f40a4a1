import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root directory. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Every file that git tracks or would track, relative to the root: what is ignored is nobody's business here. */
export function projectFiles(): string[] {
  const list = ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "-z"];
  const deleted = new Set(git(["ls-files", "--deleted", "-z"]));
  return git(list).filter((file) => !deleted.has(file));
}

/** The text of a file that `projectFiles` named. */
export function textOf(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

/** Shell scripts by their name or their first line. */
export function shellScripts(): string[] {
  const hasNoExtension = (file: string) => !/\.[a-z]+$/.test(file);
  return projectFiles().filter(
    (file) =>
      file.endsWith(".sh") || (hasNoExtension(file) && /^#!.*\b(ba|da)?sh\b/.test(textOf(file).split("\n")[0] ?? "")),
  );
}

export function dockerfiles(): string[] {
  return projectFiles().filter((file) => /(^|\/)(Dockerfile[^/]*|[^/]*\.Dockerfile)$/.test(file));
}

export function workflows(): string[] {
  return projectFiles().filter((file) => /^\.github\/workflows\/[^/]+\.ya?ml$/.test(file));
}

function git(args: string[]): string[] {
  const text = execFileSync("git", args, { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  return text.split("\0").filter((file) => file !== "");
}
