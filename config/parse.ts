/** Turns what a stack file holds into a configuration that can be planned, or reports every problem at once. */

import * as z from "zod";
import { ConfigError, closest, joinPath, type Problem, valueAt } from "./problems.ts";
import { rulesBesides } from "./repair.ts";
import { brokenRules } from "./rules/index.ts";
import type { ConfigUse } from "./rules/rule.ts";
import { type FieldNotes, notes } from "./schema/fields.ts";
import { type ClusterConfig, clusterSchema } from "./schema/index.ts";

export { ConfigError, type Problem } from "./problems.ts";

/**
 * Checks a stack's configuration and fills in the defaults.
 * @param raw the project's keys without their prefix: `{ model: …, backends: … }`
 * @param use what the configuration is for; some models can be planned although target docker can't serve them
 * @throws {ConfigError} that names every problem
 */
export function parseCluster(raw: Record<string, unknown>, use: ConfigUse = "cluster"): ClusterConfig {
  // A key that Pulumi's `getObject` did not find arrives as undefined: the same as absent.
  const given = Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== undefined));
  const result = clusterSchema.safeParse(given);
  if (result.success) {
    const problems = brokenRules(result.data, use).map(({ involves: _, ...problem }) => problem);
    if (problems.length > 0) throw new ConfigError(problems);
    return result.data;
  }
  const { issues } = result.error;
  throw new ConfigError([...issues.flatMap((issue) => problemsOf(issue, given)), ...rulesBesides(issues, given, use)]);
}

type Issue = z.core.$ZodIssue;

function problemsOf(issue: Issue, raw: unknown): Problem[] {
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(issue.path);
    return issue.keys.map((key) => unknownKey([...issue.path, key], valueAt(raw, [...issue.path, key]), known));
  }
  const note = ownNote(issue) ?? noteAt(issue.path);
  return [
    { path: joinPath(issue.path), value: valueAt(raw, issue.path), rule: `must be ${note.rule}`, remedy: note.remedy },
  ];
}

/** The notes of a single check, which replace its field's notes: `params` of `refine`. */
function ownNote(issue: Issue): FieldNotes | null {
  const { rule, remedy } = issue.code === "custom" ? (issue.params ?? {}) : {};
  return typeof rule === "string" && typeof remedy === "string" ? { rule, remedy } : null;
}

function unknownKey(path: PropertyKey[], value: unknown, known: readonly string[]): Problem {
  const key = String(path.at(-1));
  const meant = OTHER_NAMES.get(key.toLowerCase().replaceAll(/[^a-z]/g, "")) ?? closest(key, known);
  const isHere = meant !== null && known.includes(meant);
  return {
    path: joinPath(path),
    value: value ?? null,
    rule: `is not a known key; known here are ${known.join(", ")}`,
    remedy: isHere ? `Did you mean ${joinPath([...path.slice(0, -1), meant])}?` : "Remove it or correct its name.",
  };
}

/** What llama.cpp's flags and other tools call the same things. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ["ctxsize", "contextTokens"],
  ["contextsize", "contextTokens"],
  ["contextlength", "contextTokens"],
  ["nctx", "contextTokens"],
  ["parallel", "parallelSlots"],
  ["slots", "parallelSlots"],
  ["cachetype", "kvCacheType"],
  ["batchsize", "batchTokens"],
  ["ubatchsize", "microBatchTokens"],
  ["ubatch", "microBatchTokens"],
  ["path", "source"],
  ["file", "source"],
  ["url", "source"],
  ["port", "hostPort"],
  ["args", "arguments"],
  ["extraargs", "arguments"],
  ["replicas", "count"],
  ["ram", "memory"],
  ["vram", "memory"],
  ["workers", "backends"],
  ["pools", "backends"],
  ["server", "front"],
  ["cidr", "privateCidr"],
  ["subnet", "privateCidr"],
  ["commit", "version"],
  ["tag", "version"],
  ["repo", "repository"],
]);

/** The schema at a path, without what wraps it (defaults, optional). */
function schemaAt(path: readonly PropertyKey[]): z.ZodType {
  let schema: z.ZodType = clusterSchema;
  for (const step of path) {
    const bare = unwrap(schema);
    const next: unknown =
      bare instanceof z.ZodObject ? bare.shape[String(step)] : bare instanceof z.ZodArray ? bare.element : undefined;
    if (!(next instanceof z.ZodType)) throw new Error(`the schema has nothing at ${joinPath(path)}`);
    schema = next;
  }
  return schema;
}

/** What a default, a prefault or an optional wraps. */
export function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    const inner: unknown = schema.unwrap();
    if (inner instanceof z.ZodType) return unwrap(inner);
  }
  return schema;
}

function noteAt(path: readonly PropertyKey[]) {
  const schema = schemaAt(path);
  const note = notes.get(schema) ?? notes.get(unwrap(schema));
  if (note === undefined) throw new Error(`${joinPath(path)} has no notes in the schema`);
  return note;
}

function keysAt(path: readonly PropertyKey[]): string[] {
  const schema = unwrap(schemaAt(path));
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}
