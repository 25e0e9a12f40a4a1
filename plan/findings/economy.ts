/** Findings about clusters on the user's own machine that work but need less. Every remedy is tried before it is proposed. */

import { at } from "../../config/collections.ts";
import { GIB, memorySize } from "../../config/units.ts";
import type { Flavour } from "../../config/words.ts";
import type { Backend, Cluster, DockerCluster, Pool } from "../hosts/cluster.ts";
import { resolve } from "../hosts/resolve.ts";
import type { MemoryPlan } from "../memory/plan.ts";
import type { ModelFacts } from "../model/facts.ts";
import { type Placement, place } from "../placement/index.ts";
import { costsOf } from "../remedies/candidates.ts";
import { withMemory, withPoolsAlone } from "../remedies/change.ts";
import { couldHold } from "../remedies/feasible.ts";
import { writtenSize } from "../remedies/memory.ts";
import { listed, type Remedy } from "../remedies/remedy.ts";
import { holdsEverything } from "../remedies/speed.ts";
import type { Check } from "./situation.ts";

/** Reports if one backend can hold the whole model. */
const oneBackendIsEnough: Check = ({ cluster, facts, placement }) => {
  if (cluster.target === "aws") return [];
  const count = cluster.backends.length;
  const pool = count === 1 || !holdsEverything(placement) ? null : poolThatIsEnough(cluster, facts);
  if (pool === null) return [];
  const spared = sum(cluster.backends.map(({ capacityBytes }) => capacityBytes)) - pool.host.capacityBytes;
  const trips = count === 2 ? "one trip" : `${count - 1} trips`;
  return [
    {
      code: "one-backend-is-enough",
      severity: "advice",
      message: `One backend of pool ${pool.name} can hold the whole model: alone, it saves each token ${trips} over the network and frees ${memorySize(spared)}.`,
      remedy: { change: withPoolsAlone(cluster, [pool], 1).change },
    },
  ];
};

/** Reports if CPU backends slow down a cluster whose GPUs can hold the whole model. */
const cpuBesideGpu: Check = ({ cluster, facts, placement }) => {
  const gpus = poolsOf(cluster, "cuda");
  const cpus = poolsOf(cluster, "cpu");
  if (gpus.length === 0 || cpus.length === 0 || !holdsEverything(placement)) return [];
  // `one-backend-is-enough` then says the same and more.
  if (cluster.target === "docker" && poolThatIsEnough(cluster, facts) !== null) return [];
  const { change, config } = withPoolsAlone(cluster, gpus);
  const without = resolve(config);
  if (!couldHold(without, facts, "all") || !holdsEverything(place(without, facts))) return [];
  const costs = cluster.target === "aws" && without.target === "aws" ? costsOf(cluster, without) : {};
  return [
    {
      code: "cpu-beside-gpu",
      severity: "warning",
      message: `The backends with GPUs can hold the whole model without ${names(cpus)}: each token passes through all backends in turn, and those on CPUs take the longest.`,
      remedy: { change, ...costs },
    },
  ];
};

/** Less than this is not reported. */
const WASTE_BYTES = GIB;
const WASTE_SHARE = 0.5;
/** The remedy adds this part of the needed memory. */
const SPARE_SHARE = 0.25;

/** Reports if backends on CPUs declare far more memory than the model takes. The memory of a GPU can't be changed. */
const memoryIsUsed: Check = ({ cluster, facts, placement }) => {
  if (!isMostlyUnused(cluster, placement)) return [];
  const sizes = cluster.pools.map((pool) => sizeNeeded(poolMemory(cluster, placement, pool)));
  const { change, config } = withMemory(cluster, sizes);
  const smaller = resolve(config);
  const after = place(smaller, facts);
  if (!holdsEverything(after) || isMostlyUnused(smaller, after)) return [];
  return [
    {
      code: "memory-unused",
      severity: "advice",
      message: `The backends use ${memorySize(used(placement))} of their ${memorySize(declared(placement))}: even the fullest is more than half empty.`,
      remedy: { change, or: [LONGER_CONTEXT] },
    },
  ];
};

/** What to do with unused memory if it is not removed. */
export const LONGER_CONTEXT: Remedy = { action: "use the free memory for a longer context" };

/** Checks for machines and memory that the model does not need. */
export const ECONOMY_CHECKS: readonly Check[] = [oneBackendIsEnough, cpuBesideGpu, memoryIsUsed];

/** The smallest pool of which a single backend holds the whole model. A CPU is no substitute for a GPU. */
function poolThatIsEnough(cluster: DockerCluster, facts: ModelFacts): Pool | null {
  const gpus = poolsOf(cluster, "cuda");
  const candidates = (gpus.length > 0 ? gpus : cluster.pools).toSorted(
    (a, b) => a.host.capacityBytes - b.host.capacityBytes,
  );
  const isEnough = (pool: Pool) => holdsEverything(place(resolve(withPoolsAlone(cluster, [pool], 1).config), facts));
  return candidates.find(isEnough) ?? null;
}

function isMostlyUnused(cluster: Cluster, placement: Placement | null): placement is Placement {
  const isOwnProcessor = cluster.target === "docker" && poolsOf(cluster, "cuda").length === 0;
  return isOwnProcessor && holdsEverything(placement) && isWasteful(placement);
}

/** Whether even the fullest backend is more than half empty, and the free memory is worth reporting. */
export function isWasteful(placement: Placement): boolean {
  const fullest = Math.max(...placement.backends.map(({ totalBytes, capacityBytes }) => totalBytes / capacityBytes));
  return fullest < WASTE_SHARE && declared(placement) - used(placement) >= WASTE_BYTES;
}

function poolsOf({ pools }: Cluster, flavour: Flavour): Pool[] {
  return pools.filter(({ host }) => host.flavour === flavour);
}

function poolMemory(cluster: Cluster, placement: Placement, { index }: Pool): MemoryPlan[] {
  const backends: readonly Backend[] = cluster.backends;
  return placement.backends.filter((_, device) => at(backends, device).poolIndex === index);
}

function sizeNeeded(memory: readonly MemoryPlan[]) {
  return writtenSize(Math.max(...memory.map(({ totalBytes }) => totalBytes)) * (1 + SPARE_SHARE));
}

/** Bytes of the backends that the model uses. */
export function used({ backends }: Placement): number {
  return sum(backends.map(({ totalBytes }) => totalBytes));
}

/** Bytes that the backends have in total. */
export function declared({ backends }: Placement): number {
  return sum(backends.map(({ capacityBytes }) => capacityBytes));
}

function names(pools: readonly Pool[]): string {
  return listed(pools.map(({ name }) => name));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
