/** Programs of the machine. */
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { execa } from "execa";

/** Full path of a program, as a shell would find it; null if there is none. */
export function which(program: string, path = process.env["PATH"] ?? ""): string | null {
  for (const folder of path.split(delimiter)) {
    if (folder === "") continue;
    const file = join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // next
    }
  }
  return null;
}

/** Like `which`, also where root's programs are: a plain user's PATH often lacks those folders. */
export const whichSystem = (program: string): string | null =>
  which(program) ?? which(program, "/usr/local/sbin:/usr/sbin:/sbin");

/** What a short-lived program prints; null if it fails, is missing or takes too long. */
export async function answerOf(program: string, args: readonly string[], timeoutMs = 10_000): Promise<string | null> {
  const result = await execa(program, [...args], { reject: false, timeout: timeoutMs, stdin: "ignore" });
  return result.failed ? null : result.stdout.trim();
}

/** The last lines of a program's complaint, for an error message. */
export const tail = (text: string, lines = 5): string => text.trim().split("\n").slice(-lines).join("\n    ");

/** Whether this is a Debian or a descendant of it, whose packages this project knows by name. */
export function isDebian(osRelease = readOsRelease()): boolean {
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(osRelease);
}

function readOsRelease(): string {
  return existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
}

/** Whether this process may install packages. */
export const isRoot = (): boolean => process.getuid?.() === 0;
