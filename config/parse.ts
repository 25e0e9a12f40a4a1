/** From what a stack file holds to a configuration that can be planned, or to every problem at once. */

import * as z from "zod";
import { ConfigError, closest, joinPath, type Problem } from "./problems.ts";
import { brokenRules } from "./rules/index.ts";
import type { ConfigUse } from "./rules/rule.ts";
import { type FieldNotes, notes } from "./schema/fields.ts";
import { type ClusterConfig, clusterSchema } from "./schema/index.ts";

export { ConfigError, type Problem } from "./problems.ts";

/**
 * Checks a stack's configuration and fills in the defaults.
 * @param raw the project's keys without their prefix: `{ model: …, backends: … }`
 * @param use what the configuration is for; a plan alone takes models that a cluster could not be created with yet
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

/** What a check says of its own instead of its field's notes: `params` of `refine`. */
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

/** What other tools, llama.cpp's flags among them, call the same things. */
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

/**
 * Rules between fields, for a configuration of which some fields are wrong: those are set aside (a default or a stand-in
 * takes their place), and a rule that looks at one of them keeps quiet.
 */
function rulesBesides(issues: readonly Issue[], raw: Record<string, unknown>, use: ConfigUse): Problem[] {
  const repaired = structuredClone(raw);
  const wrong: string[] = [];
  for (const issue of issues) {
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) replaceAt(repaired, [...issue.path, key], undefined);
    } else {
      wrong.push(joinPath(issue.path));
      replaceAt(repaired, issue.path, standInFor(issue.path));
    }
  }
  const result = clusterSchema.safeParse(repaired);
  if (!result.success) return [];
  const isWrong = (path: string) =>
    wrong.some((bad) => path === bad || path.startsWith(`${bad}.`) || path.startsWith(`${bad}[`));
  return brokenRules(result.data, use)
    .filter(({ involves }) => !involves.some(isWrong))
    .map(({ involves: _, ...problem }) => problem);
}

/** A right value for a field that has no default, so that the rest can still be looked at. */
function standInFor(path: readonly PropertyKey[]): unknown {
  const pool = { name: `stand-in-${String(path[1] ?? 0)}`, memory: "1 GiB" };
  const standIns: Record<string, unknown> = {
    model: { source: "stand-in.gguf" },
    "model.source": "stand-in.gguf",
    backends: [pool],
    "backends[]": pool,
    "backends[].name": pool.name,
    "backends[].memory": pool.memory,
    "front.arguments[]": "stand-in",
  };
  return standIns[joinPath(path).replaceAll(/\[\d+\]/g, "[]")];
}

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

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, step) => (isContainer(value) ? value[String(step)] : undefined), raw);
}

function replaceAt(raw: unknown, path: readonly PropertyKey[], value: unknown): void {
  const parent = valueAt(raw, path.slice(0, -1));
  const step = path.at(-1);
  if (!isContainer(parent) || step === undefined) return;
  if (value === undefined) delete parent[String(step)];
  else parent[String(step)] = value;
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
