/** Finds and runs programs of the machine. */
import { delimiter } from "node:path";
import { execa } from "execa";
import semver from "semver";
import find from "which";

/** Full path of a program, as a shell would find it; null if there is none. */
export function which(program: string, path = process.env["PATH"] ?? ""): string | null {
  // The package would read an empty entry as the current folder.
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  return folders.length === 0 ? null : find.sync(program, { path: folders.join(delimiter), nothrow: true });
}

/** Like `which`, but also searches root's program folders, which a user's PATH often lacks. */
export const whichSystem = (program: string): string | null =>
  which(program) ?? which(program, "/usr/local/sbin:/usr/sbin:/sbin");

/** The output of a short-lived program; null if it fails, is missing or takes too long. */
export async function answerOf(program: string, args: readonly string[], timeoutMs = 10_000): Promise<string | null> {
  const result = await execa(program, [...args], { reject: false, timeout: timeoutMs, stdin: "ignore" });
  return result.failed ? null : result.stdout.trim();
}

/** The version in a program's output, as `a.b.c`; null if there is none. */
export const versionIn = (text: string): string | null => semver.coerce(text)?.version ?? null;

/** The last lines of a program's output, for an error message. */
export const tail = (text: string, lines = 5): string => text.trim().split("\n").slice(-lines).join("\n    ");

/** Whether this process may install packages. */
export const isRoot = (): boolean => process.getuid?.() === 0;
