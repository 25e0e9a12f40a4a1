import type { Problem } from "../problems.ts";
import type { ClusterConfig } from "../schema/index.ts";

/** A problem, and every path whose value it follows from: it is not reported if one of them is wrong by itself. */
export interface RuleProblem extends Problem {
  involves: readonly string[];
}

/** What a configuration is read for: to create a cluster, or only to plan one. */
export type ConfigUse = "cluster" | "plan";

/** Looks for one kind of problem between fields. */
export type Rule = (config: ClusterConfig, use: ConfigUse) => RuleProblem[];

/**
 * A rule that the value at a path breaks.
 * @param value what stands at the path; undefined if nothing does
 * @param involves the other paths that the problem follows from
 */
export function broken(
  path: string,
  value: unknown,
  rule: string,
  remedy: string,
  ...involves: readonly string[]
): RuleProblem {
  return { path, value, rule, remedy, involves: [path, ...involves] };
}

/** Every entry of a list that stands in it before already. */
export function repeated(list: readonly string[], pathOf: (index: number) => string, remedy: string): RuleProblem[] {
  return list.flatMap((entry, index) => {
    const first = list.indexOf(entry);
    if (first === index) return [];
    return broken(pathOf(index), entry, `must differ from ${pathOf(first)}`, remedy, pathOf(first));
  });
}
