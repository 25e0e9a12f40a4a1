/** The arguments of `npm run plan`, all checked at once. */

import { ConfigError, type Problem } from "../../config/problems.ts";
import { stackNamed, stackNames } from "../../config/stack.ts";
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
  stack: string;
  json: boolean;
  renew: boolean;
  /** Destination of the picture: a file, the output instead of the text, or none. */
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
 * Parses a command line.
 * @throws {ConfigError} with all its mistakes
 */
export function parseArguments(argv: string[], projectRoot: string): Request {
  const { values, positionals, tokens } = readArguments(argv, OPTIONS);
  const isSvg = values.svg !== undefined;
  // The file of --svg follows it, with or without an equals sign.
  const [file, ...surplus] = typeof values.svg === "string" ? [values.svg, ...positionals] : positionals;
  const problems = tokens.flatMap((token) =>
    token.kind === "option" && token.name === "svg" ? [] : optionProblems(token, OPTIONS, "npm run plan"),
  );
  // The argument after an unknown option is probably its value.
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
    const rule = "must be given with --json, because both print to the output";
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

/** The stack that a text names, directly or by its file; null if it names none. */
function stackOf(text: string, projectRoot: string): string | null {
  const named = stackNamed(text, projectRoot);
  return stackNames(projectRoot).includes(named) ? named : null;
}
