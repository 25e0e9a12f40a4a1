import type { AwsPlan } from "../../plan/resources/aws.ts";

/** What a resource is for, as its tag `llama-rpc-cluster/role` says. */
export type ResourceRole =
  | "front"
  | "backend"
  | "network"
  | "endpoint"
  | "load-balancer"
  | "registry"
  | "registry-cache"
  | "model"
  | "model-import"
  | "key"
  | "guardrail";

/** What every component of a cluster on EC2 needs to know: whose it is, and what is decided. */
export interface ClusterContext {
  /** Stack that owns the cluster. */
  stack: string;
  plan: AwsPlan;
}

/** Physical name of what AWS wants a name for; of several stacks in one account each has its own. */
export const physicalName = ({ stack }: Pick<ClusterContext, "stack">, name: string) =>
  `llama-rpc-cluster-${stack}-${name}`;

/** Folder of the cluster's SSM parameters. */
export const parameterName = ({ stack }: Pick<ClusterContext, "stack">, name: string) =>
  `/llama-rpc-cluster/${stack}/${name}`;

/** Path of a stack's roles: what is left over can be found by it, as tags of roles can't be searched for. */
export const rolePath = ({ stack }: Pick<ClusterContext, "stack">, folder: "nodes" | "services") =>
  `/llama-rpc-cluster/${stack}/${folder}/`;

/** Tags of everything that a cluster creates: the stack, the role, the user's own, and a name to read in the console. */
export function tagsOf(context: ClusterContext, role: ResourceRole, name: string): Record<string, string> {
  return {
    ...context.plan.tags,
    Name: physicalName(context, name),
    "llama-rpc-cluster/role": role,
    "llama-rpc-cluster/stack": context.stack,
  };
}
