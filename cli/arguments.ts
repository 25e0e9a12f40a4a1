/** Command lines of the plan's commands: every option is checked at once, and told like what is wrong in a stack file. */

import { type ParseArgsConfig, parseArgs } from "node:util";
import { closest, type Problem } from "../config/problems.ts";

/** The options of a command, as `parseArgs` takes them. */
export type Options = NonNullable<ParseArgsConfig["options"]>;

/** The path of what should not be there. */
export const SURPLUS = "argument";

/** Everything that is there, right or wrong: what is wrong is told all at once. */
export function readArguments<const Known extends Options>(args: string[], options: Known) {
  return parseArgs({ args, options, allowPositionals: true, strict: false, tokens: true });
}

/** One piece of a command line. */
export type Token = NonNullable<ReturnType<typeof readArguments>["tokens"]>[number];

/**
 * What is wrong with an option by itself: its name, or a value too many or too few.
 * @param command how the command is called, for the way to its help
 */
export function optionProblems(token: Token, options: Options, command: string): Problem[] {
  if (token.kind !== "option") return [];
  const names = Object.keys(options);
  const { name, rawName, value } = token;
  const option = Object.hasOwn(options, name) ? options[name] : undefined;
  if (option === undefined) {
    // Of one letter, every short name is as near as any other.
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

/** Whether a value is nothing, or the option that follows one whose value was forgotten. */
export function isForgotten(value: string): boolean {
  return value === "" || value.startsWith("--");
}

/** An option without its value is told as that alone. */
export function isFirstOfItsPath({ path }: Problem, index: number, all: readonly Problem[]): boolean {
  return path === SURPLUS || all.findIndex((other) => other.path === path) === index;
}

/** One thing that is wrong with an argument. */
export function problem(path: string, value: unknown, rule: string, remedy: string): Problem {
  return { path, value, rule, remedy };
}
