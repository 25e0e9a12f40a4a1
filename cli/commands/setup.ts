/** `node cli/bootstrap.mjs setup`: the set-up alone, for images of build servers and the like. */
import type { Command } from "../command.ts";
import { allSteps, setUp } from "../steps.ts";

export const command: Command = {
  summary: "make this machine ready, nothing else",
  help: `
  node cli/bootstrap.mjs setup        what npm start does before it shows the plan`,
  run: async (_args, { signal }) => {
    await setUp(allSteps, signal);
    return 0;
  },
};
