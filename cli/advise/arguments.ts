/** The arguments of `npm run advise`: checked all at once, by the rules of the stack file that they become part of. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseCluster } from "../../config/parse.ts";
import { ConfigError, type Problem } from "../../config/problems.ts";
import { isStackName, STACK_NAME_RULE, stackFilePath, stackNamed } from "../../config/stack.ts";
import type { Wishes } from "../../plan/advise/search.ts";
import {
  isFirstOfItsPath,
  isForgotten,
  type Options,
  optionProblems,
  problem,
  readArguments,
  SURPLUS,
} from "../arguments.ts";

/** The parsed command line. */
export interface Request {
  wishes: Wishes;
  choose: Choice;
  /** Most rows of the table. */
  top: number;
  json: boolean;
  /** Name of the stack file to write; null to show it only. */
  write: string | null;
}

/** The winner that becomes a stack file. */
export const CHOICES = ["cheapest", "fastest", "value"] as const;
export type Choice = (typeof CHOICES)[number];

const OPTIONS = {
  context: { type: "string" },
  slots: { type: "string" },
  kv: { type: "string" },
  budget: { type: "string" },
  region: { type: "string", default: "us-east-1" },
  "min-tps": { type: "string" },
  spot: { type: "boolean" },
  choose: { type: "string", default: "value" },
  top: { type: "string", default: "10" },
  write: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const satisfies Options;

/** The path of each argument in the stack file. */
const ARGUMENT_OF: ReadonlyMap<string, string> = new Map([
  ["model.source", "<model>"],
  ["model.contextTokens", "--context"],
  ["model.parallelSlots", "--slots"],
  ["model.kvCacheType", "--kv"],
  ["aws.region", "--region"],
  ["limits.maxHourlyUsd", "--budget"],
]);

const MOST_ROWS = 100;
/** Placeholder machines for the check, because the search chooses the real ones. */
const STAND_IN = "c8g.large";

/**
 * Parses a command line.
 * @param projectRoot directory of `Pulumi.yaml`
 * @throws {ConfigError} with all mistakes of the command line
 */
export function parseArguments(argv: string[], projectRoot: string): Request {
  const { values, positionals, tokens } = readArguments(argv, OPTIONS);
  const problems = tokens.flatMap((token) => optionProblems(token, OPTIONS, "npm run advise"));
  // The argument after an unknown option is probably its value.
  if (problems.every(({ path }) => path !== SURPLUS)) problems.push(...positionals.slice(1).map(surplus));
  const text = (name: Name) => {
    const value = values[name];
    return typeof value === "string" && !isForgotten(value) ? value : undefined;
  };
  const base = collected(problems, () => parseCluster(rawConfiguration(positionals[0], text), "plan"));
  const choose = CHOICES.find((choice) => choice === text("choose"));
  if (choose === undefined) {
    problems.push(problem("--choose", text("choose"), "must be cheapest, fastest or value", "Leave it out for value."));
  }
  const minTokensPerSecond = numberOf(text("min-tps")) ?? null;
  if (minTokensPerSecond !== null && !(Number(minTokensPerSecond) > 0)) {
    const remedy = "Give the lowest number of tokens per second, like 5.";
    problems.push(problem("--min-tps", minTokensPerSecond, "must be a number above 0", remedy));
  }
  const top = numberOf(text("top"));
  if (!Number.isInteger(top) || Number(top) < 1 || Number(top) > MOST_ROWS) {
    const rule = `must be a whole number from 1 to ${MOST_ROWS}`;
    problems.push(problem("--top", top, rule, "Give the number of rows, like 10."));
  }
  const write = text("write") ?? null;
  if (write !== null) problems.push(...stackProblems(write, projectRoot));
  if (problems.length > 0 || base === null || choose === undefined) {
    throw new ConfigError(problems.filter(isFirstOfItsPath), "arguments");
  }
  return {
    wishes: {
      base,
      spot: values.spot === true,
      minTokensPerSecond: minTokensPerSecond === null ? null : Number(minTokensPerSecond),
    },
    choose,
    top: Number(top),
    json: values.json === true,
    write,
  };
}

type Name = keyof typeof OPTIONS;
function rawConfiguration(
  source: string | undefined,
  text: (name: Name) => string | undefined,
): Record<string, unknown> {
  const budget = numberOf(text("budget"));
  return {
    target: "aws",
    aws: { region: text("region") },
    model: given({
      source,
      contextTokens: numberOf(text("context")),
      parallelSlots: numberOf(text("slots")),
      kvCacheType: text("kv"),
    }),
    front: { machine: STAND_IN },
    backends: [{ name: "pool", machine: STAND_IN }],
    limits: given({ maxHourlyUsd: budget }),
  };
}

function given(entries: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}

function surplus(value: string): Problem {
  return problem(SURPLUS, value, "must not follow the model", "Name one model, and begin every option with --.");
}

function stackProblems(stack: string, projectRoot: string): Problem[] {
  if (!isStackName(stack)) {
    const meant = stackNamed(stack, projectRoot);
    const remedy = `Write it like "${isStackName(meant) ? meant : "aws-dev"}"; it is part of the file's name.`;
    return [problem("--write", stack, STACK_NAME_RULE, remedy)];
  }
  const file = stackFilePath(stack);
  if (!existsSync(join(projectRoot, file))) return [];
  return [
    problem("--write", stack, "must name a stack that does not exist yet", `Choose another name or remove ${file}.`),
  ];
}

/** The result of `check`; null if it finds problems, which are added under the arguments' names. */
function collected<Result>(problems: Problem[], check: () => Result): Result | null {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(
      ...error.problems.map(({ path, value, rule, remedy }) =>
        problem(asArgument(path), value, asArgument(rule), asArgument(remedy)),
      ),
    );
    return null;
  }
}

function asArgument(text: string): string {
  return [...ARGUMENT_OF].reduce((changed, [path, name]) => changed.replaceAll(path, name), text);
}

/** The text as a number, or the text itself if it is none: the schema then reports it. */
function numberOf(text: string | undefined): number | string | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  return Number.isFinite(number) && text.trim() !== "" ? number : text;
}
