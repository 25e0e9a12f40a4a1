/** `npm run advise`: clusters for a model; the planner's own command, needs no set-up. */
import process from "node:process";
import { projectRoot } from "../../setup/paths.ts";
import type { Command } from "../command.ts";

export const command: Command = {
  summary: "the cheapest, fastest and best-value cluster for a model",
  help: "",
  // The planner knows its own options, --help among them.
  ownHelp: true,
  run: async (args) => {
    const { main } = await import("../advise/run.ts");
    // The names that Hugging Face's and AWS's own tools know.
    const { HF_TOKEN: token, HF_ENDPOINT: endpoint, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = process.env;
    return main(args, projectRoot, {
      huggingFace: { token, endpoint },
      s3: { endpoint: AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL },
    });
  },
};
