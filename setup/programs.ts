/** Programs of the machine. */
import { delimiter } from "node:path";
import { execa } from "execa";
import semver from "semver";
import find from "which";

/** Full path of a program, as a shell would find it; null if there is none. */
export function which(program: string, path = process.env["PATH"] ?? ""): string | null {
  // For the package, an empty entry is the current folder.
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  return folders.length === 0 ? null : find.sync(program, { path: folders.join(delimiter), nothrow: true });
}

/** Like `which`, also where root's programs are: a plain user's PATH often lacks those folders. */
export const whichSystem = (program: string): string | null =>
  which(program) ?? which(program, "/usr/local/sbin:/usr/sbin:/sbin");

/** What a short-lived program prints; null if it fails, is missing or takes too long. */
export async function answerOf(program: string, args: readonly string[], timeoutMs = 10_000): Promise<string | null> {
  const result = await execa(program, [...args], { reject: false, timeout: timeoutMs, stdin: "ignore" });
  return result.failed ? null : result.stdout.trim();
}

/** The version in what a program prints, as `a.b.c`; null if there is none. */
export const versionIn = (text: string): string | null => semver.coerce(text)?.version ?? null;

/** The last lines of a program's complaint, for an error message. */
export const tail = (text: string, lines = 5): string => text.trim().split("\n").slice(-lines).join("\n    ");

/** Whether this process may install packages. */
export const isRoot = (): boolean => process.getuid?.() === 0;
