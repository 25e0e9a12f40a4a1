/** `npm run test:aws`: tests of target aws that need no account. */
import { paths } from "../../setup/paths.ts";
import type { Command } from "../command.ts";
import { onTerminal } from "../delegate.ts";
import { allSteps, ensureAwsTestTools, setUp } from "../steps.ts";
import { REPORTERS } from "./test.ts";

/** The resource graphs, the policies over them, the graphs against the AWS provider and a double, the boot. */
const PROJECTS = ["graph", "policies", "aws", "boot"].map((name) => `--project=${name}`);

export const command: Command = {
  summary: "tests of target aws without an account: graphs, policies, EC2 double, boot",
  help: `
  npm run test:aws                  under 10 minutes on two cores once the images are built
  npm run test:aws -- test/aws/x    arguments are handed to vitest

Installs the tools of these tests and reports what it installs outside this folder. It uses Terraform and its AWS provider if
they are present and never installs them; tests that can't run without them are listed with the reason.`,
  run: async (args, { signal }) => {
    await setUp(allSteps, signal);
    await ensureAwsTestTools(paths.root);
    return onTerminal("vitest", ["run", ...REPORTERS, ...PROJECTS, ...args], signal);
  },
};
