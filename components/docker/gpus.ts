import type { ContainerArgs } from "@pulumi/docker";

/**
 * The plan's GPUs (`all`, or numbers as nvidia-smi shows them) as a request to the engine. The provider's shorter `gpus`
 * takes a number for a count: "1" would be any one GPU and not the second.
 */
export function gpuRequest(gpus: string | null): Pick<ContainerArgs, "deviceRequests"> {
  if (gpus === null) return {};
  const wanted = gpus === "all" ? { count: -1 } : { deviceIds: gpus.split(",") };
  return { deviceRequests: [{ driver: "nvidia", capabilities: ["gpu"], ...wanted }] };
}
