/** `npm run plan -- -s <stack>`: the plan alone, without an engine, credentials or network. */

import { containerArchitecture } from "../../config/architecture.ts";
import { parseCluster } from "../../config/parse.ts";
import { readStackFile, stackNames } from "../../config/stack.ts";
import { assertRunnable, lookUpModel, type ModelAccess, planCluster } from "../../plan/index.ts";
import { terminalOptions } from "../../report/layout.ts";
import { svgPlan } from "../../report/svg/index.ts";
import { formatPlan } from "../../report/text.ts";
import { projectRoot } from "../../setup/paths.ts";
import type { Command } from "../command.ts";
import { modelAccess } from "../model-access.ts";
import { parseArguments } from "../plan/arguments.ts";
import { whyNotWritten } from "../write-file.ts";

const HELP = `
  npm run plan -- [-s <stack>] [--json | --svg [<file>]] [--renew]

Shows what the stack would be: which layers on which backend, the memory of each, and what the planner has to say;
with target aws also the machines, how fast they would answer and what they would cost. Nothing is created or asked for.
The header of a model that is not on this machine is read over the network once and then kept in models.lock.json;
HF_TOKEN opens gated models on Hugging Face; a model in S3 is read with the AWS credentials of the environment.
Exit code 1 if the configuration is wrong or the plan can't be carried out.

  -s, --stack <stack>  stack to plan; its file is stacks/Pulumi.<stack>.yaml (default: local)
      --json           print the plan as JSON
      --svg [<file>]   draw the cluster: into the .svg file, or print the picture alone
      --renew          read the model's header again and keep that one`;

export const command: Command = {
  summary: "the plan of a stack: no engine, no credentials, no network",
  help: () => {
    const stacks = stackNames(projectRoot);
    return stacks.length > 0 ? `${HELP}\n\nStacks: ${stacks.join(", ")}` : HELP;
  },
  run: (args) => plan(args, { ...modelAccess(process.env), projectRoot }),
};

/**
 * Prints the plan for a command line, and returns the exit code.
 * @throws {UserError} if the command line or the stack is wrong
 */
export async function plan(argv: string[], access: ModelAccess): Promise<number> {
  const { projectRoot } = access;
  const request = parseArguments(argv, projectRoot);
  const { stack, json, picture } = request;
  const config = parseCluster(readStackFile(stack, projectRoot), "plan");
  const { facts, note } = await lookUpModel(config.model.source, access, request.renew);
  if (note !== null) process.stderr.write(`${note}\n\n`);
  const architecture = containerArchitecture(process.arch);
  const planned = planCluster(config, facts, { stack, architecture });
  const isPictureAlone = picture === "print";
  if (json) process.stdout.write(`${JSON.stringify(planned, null, 2)}\n`);
  else process.stdout.write(isPictureAlone ? svgPlan(planned) : `${formatPlan(planned, terminalOptions(120))}\n`);
  // Print the plan before writing the file, which may fail.
  const reason = typeof picture === "object" ? whyNotWritten(picture.file, svgPlan(planned), { flag: "w" }) : null;
  if (typeof picture === "object") process.stderr.write(`${pictureText(picture.file, reason)}\n`);
  if (json || isPictureAlone) assertRunnable(planned);
  // The text above lists the errors.
  const errors = planned.findings.filter(({ severity }) => severity === "error").length;
  if (errors > 0) process.stderr.write("\nThis plan can't be carried out: its errors are above.\n");
  return errors > 0 || reason !== null ? 1 : 0;
}

function pictureText(file: string, reason: string | null): string {
  return reason === null ? `The picture is in ${file}.` : `The picture can't be written to ${file}: ${reason}`;
}
