/** What is wrong with a stack's configuration: all problems are reported at once, each with its remedy. */

import { UserError } from "./errors.ts";

/** One thing that is wrong. */
export interface Problem {
  /** Where: `backends[0].memory`. */
  path: string;
  /** What stands there; undefined if nothing does. */
  value: unknown;
  /** What must be, as a clause: `must be a whole number from 1 to 15`. */
  rule: string;
  /** One sentence that says what to do. */
  remedy: string;
}

/** A configuration that can't be used. The message holds every problem and is printed to the user unchanged. */
export class ConfigError extends UserError {
  override readonly name = "ConfigError";
  readonly problems: readonly Problem[];

  /** @param where what they are in, for the first line */
  constructor(problems: readonly Problem[], where: "configuration" | "arguments" = "configuration") {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super([`${count} in the ${where}:`, ...problems.map((problem) => `  ${describeProblem(problem)}`)].join("\n"));
    this.problems = problems;
  }
}

/** One problem in one line. */
export function describeProblem({ path, value, rule, remedy }: Problem): string {
  return `${path} ${value === undefined ? "is missing: it" : `is ${shown(value)}: it`} ${rule}. ${remedy}`;
}

/** A path as one writes it: `backends[0].memory`. */
export function joinPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    return text === "" ? String(step) : `${text}.${String(step)}`;
  }, "");
}

/** What stands at a path; undefined if nothing does. */
export function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, step) => (isContainer(value) ? value[String(step)] : undefined), raw);
}

/** Whether a value is a mapping or a list. */
export function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

const SHOWN_LENGTH = 60;

function shown(value: unknown): string {
  const withoutSecrets = (_: string, part: unknown) => (typeof part === "string" ? withoutCredentials(part) : part);
  const text = JSON.stringify(value, withoutSecrets) ?? String(value);
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}

/** A text with the name and the password of each address removed, because messages end up in logs. */
export function withoutCredentials(text: string): string {
  // People write passwords with a slash or a question mark in them although they must be encoded. Digits and a slash are a port.
  return text.replaceAll(/(:\/\/)(?:[^\s/?#@]*:(?!\d+\/)\S*|[^\s/?#]*)@/g, "$1…@");
}

/** The candidate that the user most likely meant, or null if none is close. */
export function closest(word: string, candidates: readonly string[]): string | null {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(plain(word), plain(candidate)) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  if (best === undefined) return null;
  return best.distance <= Math.max(2, Math.floor(best.candidate.length / 3)) ? best.candidate : null;
}

/** Levenshtein distance: insertions, deletions and replacements of one letter. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
