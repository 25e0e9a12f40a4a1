import type { ClusterPlan } from "../plan/plan.ts";

/** What a preview shows as the inputs of a cluster: the decision in a few words. The whole plan is the output `plan`. */
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
