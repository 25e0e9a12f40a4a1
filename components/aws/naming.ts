import type { AwsPlan } from "../../plan/resources/aws.ts";

/** Values of the tag `llama-rpc-cluster/role`: the purpose of a resource. */
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

/** What every component of a cluster on EC2 gets: the stack and the plan. */
export interface ClusterContext {
  /** Stack that owns the cluster. */
  stack: string;
  plan: AwsPlan;
}

/** Physical name of a resource; it differs between the stacks of an account. */
export const physicalName = ({ stack }: Pick<ClusterContext, "stack">, name: string) =>
  `llama-rpc-cluster-${stack}-${name}`;

/** Folder of the cluster's SSM parameters. */
export const parameterName = ({ stack }: Pick<ClusterContext, "stack">, name: string) =>
  `/llama-rpc-cluster/${stack}/${name}`;

/** Path of a stack's roles: leftover roles are found by it, because roles can't be searched by tag. */
export const rolePath = ({ stack }: Pick<ClusterContext, "stack">, folder: "nodes" | "services") =>
  `/llama-rpc-cluster/${stack}/${folder}/`;

/** Tags of every resource of a cluster: the stack, the role, the user's tags, and a name for the console. */
export function tagsOf(context: ClusterContext, role: ResourceRole, name: string): Record<string, string> {
  return {
    ...context.plan.tags,
    Name: physicalName(context, name),
    "llama-rpc-cluster/role": role,
    "llama-rpc-cluster/stack": context.stack,
  };
}
