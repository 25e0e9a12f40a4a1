import { UserError } from "../../config/errors.ts";

/** The exit code of a command, which tells the user's mistakes on stderr as cli/main.ts does. */
export async function exitCodeOf(run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}
