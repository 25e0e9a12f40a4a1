/** `npm run test:aws`: what tests target aws without an account. */
import { paths } from "../../setup/paths.ts";
import type { Command } from "../command.ts";
import { onTerminal } from "../delegate.ts";
import { allSteps, ensureAwsTestTools, setUp } from "../steps.ts";
import { REPORTERS } from "./test.ts";

/** The resource graphs, the policies over them, the graphs against the AWS provider and a double, the boot. */
const PROJECTS = ["graph", "policies", "aws", "boot"].map((name) => `--project=${name}`);

export const command: Command = {
  summary: "what tests target aws without an account: graphs, policies, EC2 double, boot",
  help: `
  npm run test:aws                  under 10 minutes on two cores once the images are built
  npm run test:aws -- test/aws/x    arguments are handed to vitest

Gets what these tests need beside the cluster's own tools and says what it installs outside this folder. Terraform and its
AWS provider are used where they are and never installed; what can't be run without them is listed with its reason.`,
  run: async (args, { signal }) => {
    await setUp(allSteps, signal);
    await ensureAwsTestTools(paths.root);
    return onTerminal("vitest", ["run", ...REPORTERS, ...PROJECTS, ...args], signal);
  },
};
