import type { ContainerLabel, NetworkLabel, VolumeLabel } from "@pulumi/docker/types/input.js";

/** Values of the label `llama-rpc-cluster/role`: the purpose of a resource. */
export type ResourceRole = "front" | "backend" | "network" | "cache" | "key";

/** Physical name of a resource; it differs between the stacks on an engine. */
export const physicalName = (stack: string, name: string) => `llama-rpc-cluster-${stack}-${name}`;

/** Labels of every resource of a cluster, by which leftovers are found. */
export function labelsOf(stack: string, role: ResourceRole): (ContainerLabel & NetworkLabel & VolumeLabel)[] {
  return [
    { label: "llama-rpc-cluster/role", value: role },
    { label: "llama-rpc-cluster/stack", value: stack },
  ];
}
