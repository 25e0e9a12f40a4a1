import type { Problem } from "../problems.ts";
import type { ClusterConfig } from "../schema/index.ts";

/** A problem, and every path whose value it follows from: it is not told if one of them is wrong by itself. */
export interface RuleProblem extends Problem {
  involves: readonly string[];
}

/** What a configuration is read for: to create a cluster, or to plan one and no more. */
export type ConfigUse = "cluster" | "plan";

/** Looks for one kind of problem between fields. */
export type Rule = (config: ClusterConfig, use: ConfigUse) => RuleProblem[];
