/** `npm run leaks`: asks AWS, or the Docker engine, for resources that a stack has left. */
import { ConfigError, parseCluster } from "../../config/parse.ts";
import { REGIONS } from "../../config/regions.ts";
import { isStackName, readStackFile, STACK_NAME_RULE, stackNamed, stackNames } from "../../config/stack.ts";
import { projectRoot } from "../../setup/paths.ts";
import {
  isFirstOfItsPath,
  isForgotten,
  type Options,
  optionProblems,
  problem,
  readArguments,
  SURPLUS,
} from "../arguments.ts";
import type { Command } from "../command.ts";
import { askAwsForLeaks, LEAKS_PERMISSIONS } from "../leaks/ask-aws.ts";
import { askDockerForLeaks } from "../leaks/ask-docker.ts";
import { formatLeaks } from "../leaks/leak.ts";

const USAGE = `
  npm run leaks -- -s <stack>                       what is left of the stack, where its file says that it runs
  npm run leaks -- -s <stack> --region <region>     the same on AWS, for a stack whose file is gone

Lists what carries the stack's tag or its name: each with what it costs by the hour and the command that removes it. It
changes nothing and costs nothing. For a stack on this machine the Docker engine is asked instead, for containers,
networks and volumes.

Exit code 0 if nothing is left, 1 if anything is or not everything could be asked, 2 for wrong arguments.

On AWS it needs credentials with ${LEAKS_PERMISSIONS}.
What a service does not answer for itself is as AWS's tagging service says: that lags behind by some minutes, so ask again.`;

const OPTIONS = {
  stack: { type: "string", short: "s" },
  region: { type: "string" },
} as const satisfies Options;

/** What to search. */
interface Request {
  stack: string;
  /** Null: the Docker engine. */
  region: string | null;
}

export const command: Command = {
  summary: "ask AWS, or Docker, whether anything of a stack is left after destroy",
  help: USAGE,
  run: async (args, { signal }) => {
    const request = requestOf(args);
    if (typeof request === "string") {
      console.error(request);
      return 2;
    }
    const { stack, region } = request;
    const findings =
      region === null
        ? { leaks: await askDockerForLeaks(stack, signal), refusals: [] }
        : await askAwsForLeaks(stack, stackNames(projectRoot), region, signal);
    console.log(formatLeaks(findings, stack, region ?? "the Docker engine"));
    return findings.leaks.length + findings.refusals.length > 0 ? 1 : 0;
  },
};

/** What a command line asks for, or everything that is wrong with it. */
function requestOf(args: string[]): Request | string {
  try {
    const { stack, region } = parsed(args);
    if (region !== undefined) return { stack, region };
    const { aws } = parseCluster(readStackFile(stack, projectRoot), "plan");
    return { stack, region: aws?.region ?? null };
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

/** @throws {ConfigError} with everything that is wrong */
function parsed(args: string[]): { stack: string; region: string | undefined } {
  const { values, positionals, tokens } = readArguments(args, OPTIONS);
  const problems = tokens.flatMap((token) => optionProblems(token, OPTIONS, "npm run leaks"));
  if (problems.every(({ path }) => path !== SURPLUS)) {
    const remedy = "See npm run leaks -- --help.";
    problems.push(...positionals.map((value) => problem(SURPLUS, value, "must follow an option", remedy)));
  }
  const { stack, region } = values;
  const remedy = `Write it like -s ${stackNames(projectRoot)[0] ?? "aws-dev"}.`;
  if (stack === undefined) problems.push(problem("--stack", undefined, "must say which stack is meant", remedy));
  const name = typeof stack === "string" && !isForgotten(stack) ? stackNamed(stack, projectRoot) : "";
  if (name !== "" && !isStackName(name)) problems.push(problem("--stack", name, STACK_NAME_RULE, remedy));
  if (typeof region === "string" && !isForgotten(region) && !REGIONS.some((known) => known === region)) {
    problems.push(problem("--region", region, `must be one of ${REGIONS.join(", ")}`, "Write the stack's region."));
  }
  if (problems.length > 0) throw new ConfigError(problems.filter(isFirstOfItsPath), "arguments");
  return { stack: name, region: typeof region === "string" ? region : undefined };
}
