/** `npm run test:images`: the long tests of the images. */
import type { Command } from "../command.ts";
import { runFile } from "../delegate.ts";
import { allSteps, setUp } from "../steps.ts";

export const command: Command = {
  summary: "the long tests of the images: arm64, arm/v7 and CUDA",
  help: `
  npm run test:images               hours on two cores; arguments are handed to test/images-long/run.ts

Every 15 s it prints what is built: while it compiles, how many of how many objects, and the time since the build began.`,
  run: async (args, { signal }) => {
    await setUp(allSteps, signal);
    return runFile("test/images-long/run.ts", args, signal);
  },
};
