/** `npm run plan -- -s <stack>`: the plan alone, without an engine, credentials or network. */

import { parseArgs } from "node:util";
import { ConfigError, parseCluster } from "../config/parse.ts";
import { readStackFile, stackNames } from "../config/stack.ts";
import { formatPlan } from "./format.ts";
import { assertRunnable, ModelError, PlanRefused, planCluster, readModelFacts } from "./index.ts";
import type { Architecture } from "./types.ts";

const USAGE = `Usage: npm run plan -- [-s <stack>] [--json]

Shows what the stack would be: which layers on which backend, the memory of each, and what the planner has to say.
Exit code 1 if the configuration is wrong or the plan can't be carried out.

  -s, --stack <stack>  stack to plan; its file is stacks/Pulumi.<stack>.yaml (default: local)
      --json           print the plan as JSON
  -h, --help           print this text`;

/**
 * Runs the command and answers its exit code.
 * @param argv arguments after the command's name
 * @param projectRoot directory of `Pulumi.yaml`
 */
export async function main(argv: string[], projectRoot: string): Promise<number> {
  try {
    return await run(argv, projectRoot);
  } catch (error) {
    if (!isForTheUser(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

async function run(argv: string[], projectRoot: string): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      stack: { type: "string", short: "s", default: "local" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    const stacks = stackNames(projectRoot);
    process.stdout.write(`${USAGE}\n${stacks.length > 0 ? `\nStacks: ${stacks.join(", ")}\n` : ""}`);
    return 0;
  }
  const config = parseCluster(readStackFile(values.stack, projectRoot));
  const facts = await readModelFacts(config.model.source, projectRoot);
  const architecture: Architecture = process.arch === "arm64" ? "arm64" : "amd64";
  const plan = planCluster(config, facts, { stack: values.stack, architecture });
  process.stdout.write(`${values.json ? JSON.stringify(plan, null, 2) : formatPlan(plan, terminal())}\n`);
  if (values.json) assertRunnable(plan);
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
