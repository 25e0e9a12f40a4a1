/** What a command of main.ts is. */

export interface CommandContext {
  /** Aborted by Ctrl-C and by SIGTERM. */
  signal: AbortSignal;
}

export interface Command {
  /** One line for the list. */
  summary: string;
  /** What `--help` prints below the summary. */
  help: string | (() => string);
  /** Arguments are another program's: only a `--help` that comes first is ours. */
  passesArguments?: boolean;
  /** Answers the exit code. */
  run(args: string[], context: CommandContext): Promise<number>;
}
