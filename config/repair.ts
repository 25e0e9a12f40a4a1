/**
 * Lets the rules between fields run although some fields are wrong.
 *
 * The schema reports every wrong field, but zod gives no configuration then, and the rules need one. If they waited, the user
 * would correct a field, run again, and only then learn that two pools have the same name. So the wrong fields are replaced
 * in a copy: by their default, or by a stand-in if they have none. The rules run on the copy, and a problem that involves a
 * replaced field is dropped, because it would be about a value that nobody wrote.
 */

import type * as z from "zod";
import { isContainer, joinPath, type Problem, valueAt } from "./problems.ts";
import { brokenRules } from "./rules/index.ts";
import type { ConfigUse } from "./rules/rule.ts";
import { clusterSchema } from "./schema/index.ts";

/**
 * The broken rules that have nothing to do with the fields that the schema refuses.
 * @param issues what the schema found
 * @param raw the configuration, which stays unchanged
 */
export function rulesBesides(
  issues: readonly z.core.$ZodIssue[],
  raw: Record<string, unknown>,
  use: ConfigUse,
): Problem[] {
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

/** A right value for a field that has no default; undefined for every other. */
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

function replaceAt(raw: unknown, path: readonly PropertyKey[], value: unknown): void {
  const parent = valueAt(raw, path.slice(0, -1));
  const step = path.at(-1);
  if (!isContainer(parent) || step === undefined) return;
  if (value === undefined) delete parent[String(step)];
  else parent[String(step)] = value;
}
