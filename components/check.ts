import * as pulumi from "@pulumi/pulumi";
import type { ClusterConfig } from "../config/schema/index.ts";
import type { ClusterPlan } from "../plan/plan.ts";

/**
 * The plan with what its target says about it before anything exists: on AWS the account's quotas, zones and a network that
 * exists; with Docker the machine's ports, networks, memory, disk and GPUs. A plan that is refused already stays as it is, and so
 * does one whose target can't be asked.
 * @param images as the stack file has them
 */
export async function checkedByTarget(
  plan: ClusterPlan,
  stack: string,
  images: ClusterConfig["images"],
): Promise<ClusterPlan> {
  if (plan.findings.some(({ severity }) => severity === "error")) return plan;
  const checked = plan.aws === null ? await checkedByMachine(plan, stack, images) : await checkedByAccount(plan, stack);
  if (checked.note !== null) pulumi.log.warn(checked.note);
  return checked.plan;
}

async function checkedByAccount(plan: ClusterPlan, stack: string) {
  const { preflight } = await import("../aws/account/preflight.ts");
  return preflight(plan, stack);
}

async function checkedByMachine(plan: ClusterPlan, stack: string, images: ClusterConfig["images"]) {
  const { preflight } = await import("../docker/preflight.ts");
  const settings = new pulumi.Config("docker");
  return preflight(plan, stack, {
    references: images,
    provider: { host: settings.get("host"), context: settings.get("context") },
  });
}
