/** `npm run plan -- -s <stack>`: the plan alone, without an engine, credentials or network. */

import { containerArchitecture } from "../../config/architecture.ts";
import { UserError } from "../../config/errors.ts";
import { ConfigError, type Problem, parseCluster } from "../../config/parse.ts";
import { readStackFile, stackNamed, stackNames } from "../../config/stack.ts";
import { assertRunnable, lookUpModel, type ModelAccess, planCluster } from "../../plan/index.ts";
import { terminalOptions } from "../../report/layout.ts";
import { svgPlan } from "../../report/svg/index.ts";
import { formatPlan } from "../../report/text.ts";
import {
  isFirstOfItsPath,
  isForgotten,
  type Options,
  optionProblems,
  problem,
  readArguments,
  SURPLUS,
} from "../arguments.ts";
import { whyNotWritten } from "../write-file.ts";

const USAGE = `Usage: npm run plan -- [-s <stack>] [--json | --svg [<file>]] [--renew]

Shows what the stack would be: which layers on which backend, the memory of each, and what the planner has to say;
with target aws also the machines, how fast they would answer and what they would cost. Nothing is created or asked for.
The header of a model that is not on this machine is read over the network once and then kept in models.lock.json;
HF_TOKEN opens gated models on Hugging Face; a model in S3 is read with the AWS credentials of the environment.
Exit code 1 if the configuration is wrong or the plan can't be carried out.

  -s, --stack <stack>  stack to plan; its file is stacks/Pulumi.<stack>.yaml (default: local)
      --json           print the plan as JSON
      --svg [<file>]   draw the cluster: into the .svg file, or print the picture alone
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
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

async function run(argv: string[], access: ModelAccess): Promise<number> {
  const { projectRoot } = access;
  const request = parseArguments(argv, projectRoot);
  if (request === null) {
    const stacks = stackNames(projectRoot);
    process.stdout.write(`${USAGE}\n${stacks.length > 0 ? `\nStacks: ${stacks.join(", ")}\n` : ""}`);
    return 0;
  }
  const { stack, json, picture } = request;
  const config = parseCluster(readStackFile(stack, projectRoot), "plan");
  const { facts, note } = await lookUpModel(config.model.source, access, request.renew);
  if (note !== null) process.stderr.write(`${note}\n\n`);
  const architecture = containerArchitecture(process.arch);
  const plan = planCluster(config, facts, { stack, architecture });
  const isPictureAlone = picture === "print";
  if (json) process.stdout.write(`${JSON.stringify(plan, null, 2)}\n`);
  else process.stdout.write(isPictureAlone ? svgPlan(plan) : `${formatPlan(plan, terminalOptions(120))}\n`);
  // The plan is shown before anything can go wrong with the file.
  const reason = typeof picture === "object" ? whyNotWritten(picture.file, svgPlan(plan), { flag: "w" }) : null;
  if (typeof picture === "object") process.stderr.write(`${pictureText(picture.file, reason)}\n`);
  if (json || isPictureAlone) assertRunnable(plan);
  // The text above has said what the errors are.
  const errors = plan.findings.filter(({ severity }) => severity === "error").length;
  if (errors > 0) process.stderr.write("\nThis plan can't be carried out: its errors are above.\n");
  return errors > 0 || reason !== null ? 1 : 0;
}

function pictureText(file: string, reason: string | null): string {
  return reason === null ? `The picture is in ${file}.` : `The picture can't be written to ${file}: ${reason}`;
}

/** What a command line asks for. */
interface Request {
  stack: string;
  json: boolean;
  renew: boolean;
  /** Where the picture goes: to a file, to the output instead of the text, or nowhere. */
  picture: { file: string } | "print" | "none";
}

const OPTIONS = {
  stack: { type: "string", short: "s", default: "local" },
  json: { type: "boolean" },
  svg: { type: "boolean" },
  renew: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const satisfies Options;

/**
 * Understands a command line; null if it asks for help.
 * @throws {ConfigError} with everything that is wrong with it
 */
function parseArguments(argv: string[], projectRoot: string): Request | null {
  const { values, positionals, tokens } = readArguments(argv, OPTIONS);
  if (values.help === true) return null;
  const isSvg = values.svg !== undefined;
  // The file of --svg follows it, with an equals sign or without.
  const [file, ...surplus] = typeof values.svg === "string" ? [values.svg, ...positionals] : positionals;
  const problems = tokens.flatMap((token) =>
    token.kind === "option" && token.name === "svg" ? [] : optionProblems(token, OPTIONS, "npm run plan"),
  );
  // What follows an option that is not known is likely to be its value.
  if (problems.every(({ path }) => path !== SURPLUS)) {
    problems.push(...(isSvg ? surplus : positionals).map((value) => surplusProblem(value, projectRoot)));
    if (isSvg) problems.push(...pictureProblems(file, values.json === true, projectRoot));
  }
  const { stack } = values;
  if (problems.length > 0 || typeof stack !== "string" || isForgotten(stack)) {
    throw new ConfigError(problems.filter(isFirstOfItsPath), "arguments");
  }
  const picture = file === undefined ? "print" : { file };
  return {
    stack: stackNamed(stack, projectRoot),
    json: values.json === true,
    renew: values.renew === true,
    picture: isSvg ? picture : "none",
  };
}

function pictureProblems(file: string | undefined, isJson: boolean, projectRoot: string): Problem[] {
  if (file === undefined) {
    if (!isJson) return [];
    const rule = "must be named when --json is given too, as both print";
    return [problem("the file of --svg", undefined, rule, "Write it like --svg cluster.svg.")];
  }
  if (/[^/\\]\.svg$/i.test(file)) return [];
  const stack = stackOf(file, projectRoot);
  const remedy = stack === null ? "Write it like --svg cluster.svg." : `Write --svg ${stack}.svg -s ${stack}.`;
  return [problem("--svg", file, "must be the name of a file that ends in .svg", remedy)];
}

function surplusProblem(value: string, projectRoot: string): Problem {
  const stack = stackOf(value, projectRoot);
  const remedy = /\.svg$/i.test(value) ? `Write --svg ${value}.` : "See npm run plan -- --help.";
  return problem(SURPLUS, value, "must follow an option", stack === null ? remedy : `Write -s ${stack}.`);
}

/** The stack that a text names by itself or by its file; null if there is none. */
function stackOf(text: string, projectRoot: string): string | null {
  const named = stackNamed(text, projectRoot);
  return stackNames(projectRoot).includes(named) ? named : null;
}
