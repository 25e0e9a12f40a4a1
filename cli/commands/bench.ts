/** `npm run bench`: the benchmarks of bench/. */
import type { Command } from "../command.ts";
import { runFile } from "../delegate.ts";
import { allSteps, setUp } from "../steps.ts";

export const command: Command = {
  summary: "run the benchmarks and write bench/RESULTS.md",
  help: `
  npm run bench                 all of them; arguments are handed to bench/run.ts

Needs the running cluster of npm start.`,
  run: async (args, { signal }) => {
    await setUp(allSteps, signal, true);
    return runFile("bench/run.ts", args, signal);
  },
};
