/** `npm run plan`: the planner's own command; needs no set-up. */
import type { Command } from "../command.ts";
import { projectRoot } from "../paths.ts";

export const command: Command = {
  summary: "the plan of a stack: no engine, no credentials, no network",
  help: "",
  // The planner knows its own options, --help among them.
  ownHelp: true,
  run: async (args) => {
    const { main } = await import("../../plan/command.ts");
    return main(args, projectRoot);
  },
};
