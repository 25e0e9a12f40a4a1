/** Whether Ctrl-C on the terminal reaches this process's children directly. */
import { readFileSync } from "node:fs";

/** Reason of an aborted command: this process got a signal. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

/** Whether a process is in its terminal's foreground group, by the text of its `/proc/<id>/stat`. */
export function isInForeground(stat: string): boolean {
  // The second field is the program's name in brackets, which may contain any character.
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return group !== undefined && group === foreground;
}

/** Whether the terminal sends Ctrl-C both to this process and to its children, whatever stdin is. */
function terminalInterruptsAll(): boolean {
  try {
    return isInForeground(readFileSync("/proc/self/stat", "utf8"));
  } catch {
    return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY; // no /proc (macOS)
  }
}

/** Whether to forward a signal to a child. A child that gets Ctrl-C twice would skip its cleanup. */
export const mustForward = (reason: unknown, interruptsAll = terminalInterruptsAll): boolean =>
  !(reason instanceof Interruption && reason.signal === "SIGINT" && interruptsAll());
