/** Plans the containers of the front and the backends, and their images. */

import { at } from "../../config/collections.ts";
import type { Architecture } from "../../config/words.ts";
import { addresses } from "../hosts/addresses.ts";
import type { Cluster } from "../hosts/cluster.ts";
import { architectureOf, type Host } from "../hosts/hosts.ts";
import type { LayerRange, MemoryPlan } from "../memory/plan.ts";
import type { ModelFacts } from "../model/facts.ts";
import { tensorSplitOf } from "../placement/even-split.ts";
import type { Placement } from "../placement/index.ts";
import { backendFlags, FRONT_PORT, frontFlags, RPC_PORT } from "./flags.ts";
import type { BackendPlan, FrontPlan, ImagePlan } from "./plans.ts";
import { startupSeconds } from "./startup.ts";

/** The inputs of a plan for containers. */
export interface ContainerInputs {
  cluster: Cluster;
  facts: ModelFacts;
  placement: Placement | null;
  /** The cluster's network. */
  cidr: string;
  /** Architecture of the user's own machine. */
  ownMachine: Architecture;
}

export function frontPlan(
  { cluster, facts, placement, cidr, ownMachine }: ContainerInputs,
  backends: BackendPlan[],
): FrontPlan {
  const { front } = cluster;
  const frontLayers = placement?.frontLayers ?? 0;
  const seconds = startupSeconds(facts.fileBytes);
  const flags = frontFlags(cluster, {
    modelFileName: facts.fileName,
    rpcBackends: backends.map(({ address, port }) => `${address}:${port}`),
    tensorSplit: tensorSplitOf(placement?.counts ?? []),
    offloadedLayers: facts.layers + 1 - frontLayers,
    startupSeconds: seconds,
  });
  return {
    flavour: front.flavour,
    architecture: architectureOf(front, ownMachine),
    address: addresses(cidr).front,
    port: FRONT_PORT,
    access: cluster.target === "docker" ? "loopback" : cluster.access.mode,
    hostAddress: "127.0.0.1",
    hostPort: front.hostPort,
    layers: frontLayers === 0 ? null : layerRange(0, frontLayers),
    memory: placement?.front ?? noMemory(front),
    containerMemoryBytes: front.containerBytes,
    threads: front.threads,
    gpus: front.gpus,
    ...flags,
    startupSeconds: seconds,
  };
}

export function backendPlans({ cluster: { backends }, placement, cidr, ownMachine }: ContainerInputs): BackendPlan[] {
  const network = addresses(cidr);
  let next = placement?.frontLayers ?? 0;
  return backends.map((backend, device) => {
    const count = placement === null ? 0 : at(placement.counts, device);
    const layers = layerRange(next, count);
    next += count;
    const address = network.at(backend);
    return {
      name: backend.name,
      pool: backend.pool,
      flavour: backend.flavour,
      architecture: architectureOf(backend, ownMachine),
      address,
      port: RPC_PORT + backend.gpu,
      device: `RPC${device}`,
      layers,
      holdsOutput: device === backends.length - 1,
      memory: placement === null ? noMemory(backend) : at(placement.backends, device),
      containerMemoryBytes: backend.containerBytes,
      threads: backend.threads,
      gpus: backend.gpus,
      ...backendFlags(backend, address),
    };
  });
}

/** Every image that the containers need, each once. */
export function imagePlans(front: FrontPlan, backends: readonly BackendPlan[]): ImagePlan[] {
  const images = new Map<string, ImagePlan>();
  const add = (image: ImagePlan) => images.set(`${image.flavour} ${image.role} ${image.architecture}`, image);
  add({ flavour: front.flavour, role: "server", architecture: front.architecture });
  for (const { flavour, architecture } of backends) add({ flavour, role: "backend", architecture });
  return [...images.values()];
}

function layerRange(first: number, count: number): LayerRange {
  return { first, last: first + count - 1, count };
}

function noMemory({ capacityBytes }: Host): MemoryPlan {
  return { weightsBytes: 0, kvCacheBytes: 0, computeBytes: 0, reserveBytes: 0, totalBytes: 0, capacityBytes };
}
