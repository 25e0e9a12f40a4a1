/** `npm run test:quick`: the tests that need neither an engine nor Docker. */
import type { Command } from "../command.ts";
import { onTerminal } from "../delegate.ts";
import { REPORTERS } from "./test.ts";

export const command: Command = {
  summary: "types, formatting, unit and graph tests: no engine, no Docker",
  help: `
  npm run test:quick                under a minute; needs nothing but node_modules`,
  run: async (args, { signal }) => {
    // The types and the formatting are tests of the lint project, so that one line counts everything.
    const files = ["test/unit/", "test/graph/", "test/policies/", "offline/test/", "test/lint/code.test.ts"];
    return onTerminal("vitest", ["run", ...REPORTERS, ...(args.length > 0 ? args : files)], signal);
  },
};
