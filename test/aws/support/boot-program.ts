import { execa } from "execa";

/** What is left of a program that has ended. */
export interface Outcome {
  exitCode: number;
  /** Standard output and error together. */
  output: string;
}

/** A program that runs beside the test. */
export interface Program {
  /** How it ended; undefined while it runs. */
  readonly ended: Outcome | undefined;
  readonly end: Promise<Outcome>;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}

/** Starts a program with nothing but the given environment; @default this process's own. */
export function startProgram(
  program: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Program {
  const surroundings = env === undefined ? {} : { env, extendEnv: false };
  const child = execa(program, args, {
    ...surroundings,
    all: true,
    reject: false,
    stdin: "ignore",
    // A machine has its containers to stop first.
    forceKillAfterDelay: false,
  });
  let ended: Outcome | undefined;
  const end = child.then((result): Outcome => {
    ended = { exitCode: result.exitCode ?? -1, output: result.all ?? "" };
    return ended;
  });
  return {
    get ended() {
      return ended;
    },
    end,
    kill: (signal) => {
      child.kill(signal);
    },
  };
}
