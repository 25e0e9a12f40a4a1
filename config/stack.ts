/** Reads a stack file without Pulumi, for commands that need no engine (`npm run plan`). */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { parse, YAMLParseError } from "yaml";
import { ConfigError, closest } from "./problems.ts";

/** Project name in `Pulumi.yaml`: the prefix of the project's keys. */
export const PROJECT_NAME = "llama-rpc-cluster";
const STACKS_DIRECTORY = "stacks";
/** What the name of a stack must be, as a clause. */
export const STACK_NAME_RULE =
  'must be a name of letters, digits and _ . -, without "Pulumi." before it or ".yaml" after it';

/** Whether a text can be the name of a stack. */
export function isStackName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/.test(text) && !/^pulumi\.|\.ya?ml$/i.test(text);
}

/** Where a stack's file lies, relative to the project's root. */
export function stackFilePath(stack: string): string {
  return `${STACKS_DIRECTORY}/Pulumi.${stack}.yaml`;
}

/** The stack that a text names: the text may be the name of its file, with or without the directory. */
export function stackNamed(text: string, projectRoot: string): string {
  const [, name] = /^Pulumi\.(.+)\.yaml$/.exec(basename(text)) ?? [];
  const directory = resolve(projectRoot, dirname(text));
  const isHere = [".", STACKS_DIRECTORY].some((known) => resolve(projectRoot, known) === directory);
  return name !== undefined && isHere ? name : text;
}

/**
 * The project's keys of a stack file, without their prefix. They are not checked: hand them to `parseCluster`.
 * @throws {ConfigError} if there is no such stack, or if its file is not valid YAML
 */
export function readStackFile(stack: string, projectRoot: string): Record<string, unknown> {
  if (!isStackName(stack)) throw noNameOfAStack(stack);
  const file = stackFilePath(stack);
  if (!existsSync(join(projectRoot, file))) throw noSuchStack(stack, stackNames(projectRoot));
  const config = configOf(parseYaml(readFileSync(join(projectRoot, file), "utf8"), file), file);
  const prefix = `${PROJECT_NAME}:`;
  return Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
    ),
  );
}

/** Names of the stacks that have a file, sorted. */
export function stackNames(projectRoot: string): string[] {
  const directory = join(projectRoot, STACKS_DIRECTORY);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? [])
    .sort();
}

function noNameOfAStack(stack: string): ConfigError {
  const remedy = `Write it like "local"; its file is ${stackFilePath("local")}.`;
  return new ConfigError([{ path: "stack", value: stack, rule: STACK_NAME_RULE, remedy }]);
}

function noSuchStack(stack: string, names: readonly string[]): ConfigError {
  const meant = closest(stack, names);
  return new ConfigError([
    {
      path: "stack",
      value: stack,
      rule: names.length === 0 ? `must have a file ${stackFilePath("<stack>")}` : `must be one of ${names.join(", ")}`,
      remedy: meant === null ? `Name one of them with -s, or write ${stackFilePath(stack)}.` : `Did you mean ${meant}?`,
    },
  ]);
}

function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    const { line, col } = error.linePos?.[0] ?? { line: 1, col: 1 };
    const [what = ""] = error.message.split(" at line ", 1);
    throw new ConfigError([
      { path: file, value: what, rule: "must be YAML", remedy: `Correct it at line ${line}, column ${col}.` },
    ]);
  }
}

function configOf(document: unknown, file: string): Record<string, unknown> {
  const config = isMapping(document) ? document["config"] : undefined;
  if (isMapping(config)) return config;
  throw new ConfigError([
    {
      path: `config in ${file}`,
      value: config,
      rule: `must be a mapping of keys such as ${PROJECT_NAME}:model`,
      remedy: "Start from the file of another stack in the same directory.",
    },
  ]);
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
