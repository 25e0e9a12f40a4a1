/** A command of main.ts. */

export interface CommandContext {
  /** Aborted by Ctrl-C and by SIGTERM. */
  signal: AbortSignal;
}

export interface Command {
  /** One line for the list of commands. */
  summary: string;
  /** Text that `--help` prints below the summary. */
  help: string | (() => string);
  /** The arguments are for another program: only a leading `--help` is ours. */
  passesArguments?: boolean;
  /** Returns the exit code. */
  run(args: string[], context: CommandContext): Promise<number>;
}
