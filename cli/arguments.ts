/** Parses command lines: all options are checked at once, and mistakes are reported like those of a stack file. */

import { type ParseArgsConfig, parseArgs } from "node:util";
import { closest, type Problem } from "../config/problems.ts";

/** The options of a command, as `parseArgs` takes them. */
export type Options = NonNullable<ParseArgsConfig["options"]>;

/** The path of a surplus argument in a message. */
export const SURPLUS = "argument";

/** All arguments, correct or not, because all mistakes are reported at once. */
export function readArguments<const Known extends Options>(args: string[], options: Known) {
  return parseArgs({ args, options, allowPositionals: true, strict: false, tokens: true });
}

/** One token of a command line. */
export type Token = NonNullable<ReturnType<typeof readArguments>["tokens"]>[number];

/**
 * Mistakes of an option itself: its name, a missing value or a surplus one.
 * @param command the command that the user types, for the hint to its help
 */
export function optionProblems(token: Token, options: Options, command: string): Problem[] {
  if (token.kind !== "option") return [];
  const names = Object.keys(options);
  const { name, rawName, value } = token;
  const option = Object.hasOwn(options, name) ? options[name] : undefined;
  if (option === undefined) {
    // For a single letter, no name is closer than another.
    const meant = name.length === 1 ? null : closest(name, names);
    const remedy = meant === null ? `See ${command} -- --help.` : `Did you mean --${meant}?`;
    return [problem(SURPLUS, rawName, `must be one of ${names.map((known) => `--${known}`).join(", ")}`, remedy)];
  }
  if (option.type === "boolean") {
    if (value === undefined) return [];
    return [problem(`--${name}`, value, "must stand alone", `Write --${name} or leave it out.`)];
  }
  if (value !== undefined && !isForgotten(value)) return [];
  return [problem(`--${name}`, value, "must have a value", `Write it like --${name} <value>.`)];
}

/** Whether a value is missing: it is empty, or it is the next option. */
export function isForgotten(value: string): boolean {
  return value === "" || value.startsWith("--");
}

/** Reports only the missing value of an option, not mistakes that follow from it. */
export function isFirstOfItsPath({ path }: Problem, index: number, all: readonly Problem[]): boolean {
  return path === SURPLUS || all.findIndex((other) => other.path === path) === index;
}

/** One mistake in an argument. */
export function problem(path: string, value: unknown, rule: string, remedy: string): Problem {
  return { path, value, rule, remedy };
}
