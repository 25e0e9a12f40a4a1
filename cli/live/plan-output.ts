/** The stack output `plan`. */
import type { ClusterPlan } from "../../plan/plan.ts";

/**
 * The plan in the output `plan`: it is the text of an asset, which the engine shows as one short line. States of an older
 * version of this project hold the plan itself.
 */
export function planIn(output: unknown): ClusterPlan {
  const isAsset = typeof output === "object" && output !== null && "text" in output && typeof output.text === "string";
  return (isAsset ? JSON.parse(String(output.text)) : output) as ClusterPlan;
}
