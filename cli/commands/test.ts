/** `npm test`: set-up and every test; the last line has the totals. */
import { paths } from "../../setup/paths.ts";
import type { Command } from "../command.ts";
import { onTerminal } from "../delegate.ts";
import { allSteps, ensureAwsTestTools, setUp } from "../steps.ts";

/** The totals are printed by the second reporter, after everything else. */
export const REPORTERS = ["--reporter=default", "--reporter=./test/support/reporter.ts"];

export const command: Command = {
  summary: "make this machine ready and run every test",
  help: `
  npm test                          everything: types, formatting, unit, graph, lint, image, cluster and AWS tests
  npm test -- --project unit        arguments are handed to vitest

What this machine can't run is listed with its reason; the last line has the totals.`,
  run: async (args, { signal }) => {
    await setUp(allSteps, signal);
    await ensureAwsTestTools(paths.root);
    return onTerminal("vitest", ["run", ...REPORTERS, ...args], signal);
  },
};
