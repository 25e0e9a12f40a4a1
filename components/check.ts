import * as pulumi from "@pulumi/pulumi";
import type { ClusterPlan } from "../plan/plan.ts";

/**
 * The plan with what its target says about it before anything exists: on AWS the account's quotas, zones and a network that
 * exists. A plan that is refused already stays as it is, and so does one whose target can't be asked.
 */
export async function checkedByTarget(plan: ClusterPlan, stack: string): Promise<ClusterPlan> {
  if (plan.aws === null || plan.findings.some(({ severity }) => severity === "error")) return plan;
  const { preflight } = await import("../aws/account/preflight.ts");
  const checked = await preflight(plan, stack);
  if (checked.note !== null) pulumi.log.warn(checked.note);
  return checked.plan;
}
