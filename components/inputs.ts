import type { ClusterPlan } from "../plan/plan.ts";

/** Inputs that a preview shows for a cluster: a summary of the plan. The output `plan` holds the whole plan. */
export function clusterInputs(plan: ClusterPlan, stack: string) {
  const { target, region, model, front, backends, network } = plan;
  return {
    stack,
    target,
    ...(region === null ? {} : { region }),
    model: model.name,
    contextTokens: model.contextTokens,
    cidr: network.cidr,
    front: front.flavour,
    backends: backends.map(({ name }) => name),
  };
}
