/** Whether Ctrl-C reaches this process's children by itself. */
import { readFileSync } from "node:fs";

/** Why a command's signal was aborted: this process got a signal itself. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

/** Whether a process is in its terminal's foreground group, from the text of its `/proc/<id>/stat`. */
export function isInForeground(stat: string): boolean {
  // The second field is the program's name in brackets, which may hold anything.
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return group !== undefined && group === foreground;
}

/** Whether the terminal sends its Ctrl-C to this process and its children alike, wherever stdin comes from. */
function terminalInterruptsAll(): boolean {
  try {
    return isInForeground(readFileSync("/proc/self/stat", "utf8"));
  } catch {
    return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY; // no /proc (macOS)
  }
}

/** Whether a child has to be told of an interruption; one that hears of Ctrl-C twice would cut its tidying short. */
export const mustForward = (reason: unknown, interruptsAll = terminalInterruptsAll): boolean =>
  !(reason instanceof Interruption && reason.signal === "SIGINT" && interruptsAll());
