import type { ContainerLabel, NetworkLabel, VolumeLabel } from "@pulumi/docker/types/input.js";

/** What a resource is for, as its label `llama-rpc-cluster/role` says. */
export type ResourceRole = "front" | "backend" | "network" | "cache" | "key";

/** Prefix of every physical name of a stack: containers of several stacks live side by side on one engine. */
export const physicalName = (stack: string, name: string) => `llama-rpc-cluster-${stack}-${name}`;

/** The labels that everything of a cluster carries, so that whatever is left over can be found. */
export function labelsOf(stack: string, role: ResourceRole): (ContainerLabel & NetworkLabel & VolumeLabel)[] {
  return [
    { label: "llama-rpc-cluster/role", value: role },
    { label: "llama-rpc-cluster/stack", value: stack },
  ];
}
