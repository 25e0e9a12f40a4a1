/** The front, the backends, and the machines that they run on, as the plan tells them. */

import { DEFAULT_HOST_PORT } from "../../config/bounds.ts";
import type { ClusterConfig, PoolConfig } from "../../config/schema/index.ts";
import type { Architecture } from "../../config/words.ts";
import type { MachineType } from "../catalog/index.ts";
import { architectureOf, frontHost, type Host, type Slot, slotsOf } from "../hosts/hosts.ts";
import type { LayerRange, MemoryPlan } from "../memory/plan.ts";
import type { ModelFacts } from "../model/facts.ts";
import { tensorSplitOf } from "../placement/even-split.ts";
import type { Placement } from "../placement/index.ts";
import { backendDisk, frontDisk, mostWeightsBytes } from "./disks.ts";
import { backendFlags, FRONT_PORT, frontFlags, RPC_PORT } from "./flags.ts";
import { addresses } from "./network.ts";
import type { BackendPlan, FrontPlan, ImagePlan, MachinePlan } from "./plans.ts";
import { startupSeconds } from "./startup.ts";

/** What containers and machines are planned from. */
export interface Decided {
  config: ClusterConfig;
  facts: ModelFacts;
  placement: Placement | null;
  cidr: string;
  /** Architecture of the user's own machine. */
  ownMachine: Architecture;
}

export function frontPlan({ config, facts, placement, cidr, ownMachine }: Decided, backends: BackendPlan[]): FrontPlan {
  const { front } = config;
  const host = frontHost(config);
  const frontLayers = placement?.frontLayers ?? 0;
  const seconds = startupSeconds(facts.fileBytes);
  const flags = frontFlags(config, {
    modelFileName: facts.fileName,
    rpcBackends: backends.map(({ address, port }) => `${address}:${port}`),
    tensorSplit: tensorSplitOf(placement?.counts ?? []),
    offloadedLayers: facts.layers + 1 - frontLayers,
    threads: host.threads,
    startupSeconds: seconds,
  });
  return {
    flavour: front.flavour,
    architecture: architectureOf(host, ownMachine),
    address: addresses(cidr, config.target).front,
    port: FRONT_PORT,
    access: config.target === "docker" ? "loopback" : (config.access.mode ?? "ssm"),
    hostAddress: "127.0.0.1",
    hostPort: front.hostPort ?? DEFAULT_HOST_PORT,
    layers: frontLayers === 0 ? null : layerRange(0, frontLayers),
    memory: placement?.front ?? noMemory(host),
    containerMemoryBytes: host.containerBytes,
    threads: host.threads,
    gpus: front.flavour === "cuda" ? (front.gpus ?? "all") : null,
    ...flags,
    startupSeconds: seconds,
  };
}

export function backendPlans({ config, placement, cidr, ownMachine }: Decided): BackendPlan[] {
  const slots = slotsOf(config);
  let next = placement?.frontLayers ?? 0;
  return slots.map((slot, device) => {
    const count = placement?.counts[device] ?? 0;
    const layers = layerRange(next, count);
    next += count;
    const address = addresses(cidr, config.target).backend(slot);
    return {
      name: nameOf(slot),
      pool: slot.pool.name,
      flavour: slot.flavour,
      architecture: architectureOf(slot, ownMachine),
      address,
      port: RPC_PORT + slot.gpu,
      device: `RPC${device}`,
      layers,
      holdsOutput: device === slots.length - 1,
      memory: placement?.backends[device] ?? noMemory(slot),
      containerMemoryBytes: slot.containerBytes,
      threads: slot.threads,
      gpus: gpusOf(slot),
      ...backendFlags(slot, address),
    };
  });
}

/** Machines to rent, the front's first; none where the machine is the user's own. */
export function machinePlans({ config, facts, cidr, ownMachine }: Decided): MachinePlan[] {
  const front = frontHost(config);
  if (front.type === null) return [];
  const machines: MachinePlan[] = [
    {
      name: "front",
      pool: null,
      type: front.type.name,
      market: "on-demand",
      reservation: null,
      flavour: front.flavour,
      architecture: architectureOf(front, ownMachine),
      address: addresses(cidr, config.target).front,
      backends: [],
      disk: frontDisk(config, facts, front.type),
      // The model is to be there still after a stop.
      instanceStore: false,
      imageParameter: imageParameterOf(front.type),
      recovery: recoveryOf(front.type),
      inPlacementGroup: true,
    },
  ];
  const slots = slotsOf(config);
  const byMachine = Map.groupBy(slots.entries(), ([, { machineNumber }]) => machineNumber);
  for (const entries of byMachine.values()) {
    const [first] = entries;
    if (first === undefined || first[1].type === null) continue;
    const { pool, type, flavour } = first[1];
    const capacityBytes = entries.reduce((sum, [, slot]) => sum + slot.capacityBytes, 0);
    const cacheBytes = mostWeightsBytes(capacityBytes, facts);
    const instanceStore = keepsRunning(config, pool) && type.nvmeGigabytes * 1e9 >= cacheBytes * 1.1;
    machines.push({
      name: `${pool.name}-machine-${first[1].poolMachine}`,
      pool: pool.name,
      type: type.name,
      market: pool.market ?? "on-demand",
      reservation: pool.reservation ?? null,
      flavour,
      architecture: type.architecture,
      address: addresses(cidr, config.target).backend(first[1]),
      backends: entries.map(([, slot]) => nameOf(slot)),
      disk: backendDisk(type, instanceStore ? 0 : cacheBytes),
      instanceStore,
      imageParameter: imageParameterOf(type),
      recovery: recoveryOf(type),
      inPlacementGroup: pool.reservation === undefined,
    });
  }
  return machines;
}

/** A machine that never stops keeps what lies on its own NVMe. */
function keepsRunning({ limits }: ClusterConfig, { market }: PoolConfig): boolean {
  const stops = [limits.schedule, limits.stopAfterIdleMinutes, limits.stopAfterHours];
  return market !== "spot" && stops.every((stop) => stop === undefined);
}

/**
 * Public parameter of the machine image: AWS's deep learning image with NVIDIA's driver and container toolkit where there
 * is a GPU (docs.aws.amazon.com/dlami/latest/devguide/appendix-ami-release-notes.html), else Amazon Linux 2023
 * (docs.aws.amazon.com/linux/al2023/ug/ec2.html#launch-from-ssm).
 */
function imageParameterOf({ architecture, gpu }: MachineType): string {
  const name = architecture === "amd64" ? "x86_64" : "arm64";
  return gpu === null
    ? `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${name}`
    : `/aws/service/deeplearning/ami/${name}/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id`;
}

function recoveryOf({ autoRecovery }: MachineType): MachinePlan["recovery"] {
  return autoRecovery ? "automatic" : "alarms";
}

/** Every image that is needed, each once. */
export function imagePlans(front: FrontPlan, backends: readonly BackendPlan[]): ImagePlan[] {
  const images = new Map<string, ImagePlan>();
  const add = (image: ImagePlan) => images.set(`${image.flavour} ${image.role} ${image.architecture}`, image);
  add({ flavour: front.flavour, role: "server", architecture: front.architecture });
  for (const { flavour, architecture } of backends) add({ flavour, role: "backend", architecture });
  return [...images.values()];
}

function nameOf({ pool, index }: Slot): string {
  return `${pool.name}-${index}`;
}

/** A container gets the one GPU that it lends where the machine's GPUs are counted, else what the stack file says. */
function gpusOf({ flavour, type, gpu, pool }: Slot): string | null {
  if (flavour === "cpu") return null;
  return type === null ? (pool.gpus ?? "all") : String(gpu);
}

function layerRange(first: number, count: number): LayerRange {
  return { first, last: first + count - 1, count };
}

function noMemory({ capacityBytes }: Host): MemoryPlan {
  return { weightsBytes: 0, kvCacheBytes: 0, computeBytes: 0, reserveBytes: 0, totalBytes: 0, capacityBytes };
}
