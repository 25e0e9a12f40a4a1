/** What a command of main.ts is. */

export interface CommandContext {
  /** Aborted by Ctrl-C and by SIGTERM. */
  signal: AbortSignal;
}

export interface Command {
  /** One line for the list. */
  summary: string;
  /** What `--help` prints below the summary. */
  help: string;
  /** Arguments are another program's: only a `--help` that comes first is ours. */
  passesArguments?: boolean;
  /** It prints its own help. */
  ownHelp?: boolean;
  /** Answers the exit code. */
  run(args: string[], context: CommandContext): Promise<number>;
}

/** Why a command's signal was aborted: this process got a signal itself. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

/** A user's mistake or a machine's lack: printed as it is, without a stack trace. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
