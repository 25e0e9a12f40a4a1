/** `npm run plan -- -s <stack>`: the plan alone, without an engine, credentials or network. */

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { containerArchitecture } from "../config/architecture.ts";
import { ConfigError, parseCluster } from "../config/parse.ts";
import { readStackFile, stackNames } from "../config/stack.ts";
import { formatPlan } from "./format.ts";
import { assertRunnable, lookUpModel, type ModelAccess, ModelError, PlanRefused, planCluster } from "./index.ts";
import { svgPlan } from "./svg.ts";

const USAGE = `Usage: npm run plan -- [-s <stack>] [--json | --svg [<file>]] [--renew]

Shows what the stack would be: which layers on which backend, the memory of each, and what the planner has to say;
with target aws also the machines, how fast they would answer and what they would cost. Nothing is created or asked for.
The header of a model that is not on this machine is read over the network once and then kept in stacks/models.lock.json;
HF_TOKEN opens gated models on Hugging Face; a model in S3 is read with the AWS credentials of the environment.
Exit code 1 if the configuration is wrong or the plan can't be carried out.

  -s, --stack <stack>  stack to plan; its file is stacks/Pulumi.<stack>.yaml (default: local)
      --json           print the plan as JSON
      --svg [<file>]   draw the cluster: into the file, or print the picture alone
      --renew          read the model's header again and keep that one
  -h, --help           print this text`;

/**
 * Runs the command and answers its exit code.
 * @param argv arguments after the command's name
 * @param projectRoot directory of `Pulumi.yaml`
 * @param elsewhere where `hf:` and `s3:` models are, and the token for those that need one
 */
export async function main(
  argv: string[],
  projectRoot: string,
  elsewhere: Omit<ModelAccess, "projectRoot"> = {},
): Promise<number> {
  try {
    return await run(argv, { ...elsewhere, projectRoot });
  } catch (error) {
    if (!isForTheUser(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

async function run(argv: string[], access: ModelAccess): Promise<number> {
  const { projectRoot } = access;
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      stack: { type: "string", short: "s", default: "local" },
      json: { type: "boolean", default: false },
      svg: { type: "boolean", default: false },
      renew: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    const stacks = stackNames(projectRoot);
    process.stdout.write(`${USAGE}\n${stacks.length > 0 ? `\nStacks: ${stacks.join(", ")}\n` : ""}`);
    return 0;
  }
  const [picture, ...surplus] = positionals;
  if (surplus.length > 0 || (picture !== undefined && !values.svg)) {
    process.stderr.write(`There is no argument "${values.svg ? surplus[0] : picture}"; see npm run plan -- --help.\n`);
    return 1;
  }
  const config = parseCluster(readStackFile(values.stack, projectRoot), "plan");
  const { facts, note } = await lookUpModel(config.model.source, access, values.renew);
  if (note !== null) process.stderr.write(`${note}\n\n`);
  const architecture = containerArchitecture(process.arch);
  const plan = planCluster(config, facts, { stack: values.stack, architecture });
  if (values.svg && picture !== undefined) {
    writeFileSync(picture, svgPlan(plan));
    process.stderr.write(`The picture is in ${picture}.\n`);
  }
  const isPictureAlone = values.svg && picture === undefined;
  if (values.json) process.stdout.write(`${JSON.stringify(plan, null, 2)}\n`);
  else process.stdout.write(isPictureAlone ? svgPlan(plan) : `${formatPlan(plan, terminal())}\n`);
  if (values.json || isPictureAlone) assertRunnable(plan);
  // The text above has said what the errors are.
  const errors = plan.findings.filter(({ severity }) => severity === "error").length;
  if (errors > 0) process.stderr.write("\nThis plan can't be carried out: its errors are above.\n");
  return errors > 0 ? 1 : 0;
}

function terminal(): { width: number; colour: boolean } {
  const { isTTY, columns } = process.stdout;
  return { width: Math.min(columns ?? 100, 120), colour: isTTY === true && process.stdout.hasColors() };
}

/** Errors whose message says everything, and wrong arguments of the command line. */
function isForTheUser(error: unknown): error is Error {
  if (error instanceof ConfigError || error instanceof ModelError || error instanceof PlanRefused) return true;
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
