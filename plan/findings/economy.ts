/** Findings about clusters of one's own machine that work and could do with less. Every remedy is tried before it is proposed. */

import { at } from "../../config/collections.ts";
import { GIB, memorySize } from "../../config/units.ts";
import type { Flavour } from "../../config/words.ts";
import type { Backend, Cluster, DockerCluster, Pool } from "../hosts/cluster.ts";
import { resolve } from "../hosts/resolve.ts";
import type { MemoryPlan } from "../memory/plan.ts";
import type { ModelFacts } from "../model/facts.ts";
import { type Placement, place } from "../placement/index.ts";
import { priceText, withoutLayersText } from "../remedies/candidates.ts";
import { type ConfigChange, withMemory, withPoolsAlone, withPoolValues } from "../remedies/change.ts";
import { couldHold } from "../remedies/feasible.ts";
import { writtenSize } from "../remedies/memory.ts";
import { holdsEverything } from "../remedies/speed.ts";
import type { Check } from "./situation.ts";

/** Says where one backend could hold the whole model. */
const oneBackendIsEnough: Check = ({ cluster, facts, placement }) => {
  if (cluster.target === "aws") return [];
  const count = cluster.backends.length;
  const pool = count === 1 || !holdsEverything(placement) ? null : poolThatIsEnough(cluster, facts);
  if (pool === null) return [];
  const isAlone = cluster.pools.length === 1;
  const spared = sum(cluster.backends.map(({ capacityBytes }) => capacityBytes)) - pool.host.capacityBytes;
  const one = withPoolValues(cluster, 0, { count: 1 });
  const { change } = isAlone ? one : withPoolsAlone(cluster, [pool], 1);
  const layers = withoutLayersText(cluster, resolve(one.config));
  const trips = count === 2 ? "one trip" : `${count - 1} trips`;
  return [
    {
      code: "one-backend-is-enough",
      severity: "advice",
      path: change.path,
      message: `One backend of pool ${pool.name} holds the whole model: it would save every token ${trips} over the network and leave ${memorySize(spared)} to others.`,
      remedy: isAlone
        ? `Set backends[0].count to 1${layers}.`
        : `Keep pool ${pool.name} alone, with count 1${layers.replace(/^ and/, ", and")}.`,
      change,
    },
  ];
};

/** Says where CPU backends slow a cluster down whose GPUs hold the whole model. */
const cpuBesideGpu: Check = ({ cluster, facts, placement }) => {
  const gpus = poolsOf(cluster, "cuda");
  const cpus = poolsOf(cluster, "cpu");
  if (gpus.length === 0 || cpus.length === 0 || !holdsEverything(placement)) return [];
  // The stronger advice says the same and more.
  if (cluster.target === "docker" && poolThatIsEnough(cluster, facts) !== null) return [];
  const { change, config } = withPoolsAlone(cluster, gpus);
  const without = resolve(config);
  if (!couldHold(without, facts, "all") || !holdsEverything(place(without, facts))) return [];
  const price = cluster.target === "aws" && without.target === "aws" ? priceText(cluster, without) : "";
  return [
    {
      code: "cpu-beside-gpu",
      severity: "warning",
      path: "backends",
      message: `The backends with GPUs hold the whole model without ${names(cpus)}: a token waits for every backend in turn, and longest for those on CPUs.`,
      remedy: `Remove ${cpus.length === 1 ? "pool" : "pools"} ${names(cpus)}${withoutLayersText(cluster, without)}${price}.`,
      change,
    },
  ];
};

/** Less than this is not worth a word. */
const WASTE_BYTES = GIB;
const WASTE_SHARE = 0.5;
/** Part of what is needed that a remedy leaves free. */
const SPARE_SHARE = 0.25;

/** Says where backends on CPUs declare far more memory than the model takes. A GPU's memory is what it is. */
const memoryIsUsed: Check = ({ cluster, facts, placement }) => {
  if (!isMostlyUnused(cluster, placement)) return [];
  const sizes = cluster.pools.map((pool) => sizeNeeded(poolMemory(cluster, placement, pool)));
  const [first] = sizes;
  const isAlone = cluster.pools.length === 1;
  const all = withMemory(cluster, sizes);
  const smaller = resolve(all.config);
  const change: ConfigChange =
    isAlone && first !== undefined ? { path: "backends[0].memory", value: first } : all.change;
  const after = place(smaller, facts);
  if (!holdsEverything(after) || isMostlyUnused(smaller, after)) return [];
  const remedies = sizes.map((size, index) => `backends[${index}].memory to ${size}`);
  return [
    {
      code: "memory-unused",
      severity: "advice",
      path: isAlone ? "backends[0].memory" : "backends",
      message: `The backends use ${memorySize(used(placement))} of their ${memorySize(declared(placement))}: even the fullest is more than half empty.`,
      remedy: `Set ${remedies.join(", ")}, or use the room for a longer context.`,
      change,
    },
  ];
};

/** All that looks for what could be spared. */
export const ECONOMY_CHECKS: readonly Check[] = [oneBackendIsEnough, cpuBesideGpu, memoryIsUsed];

/** The smallest pool of which a single backend holds the whole model. Where there are GPUs, a CPU is no substitute. */
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

/** Whether even the fullest backend is more than half empty, and that is worth a word. */
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

/** Bytes that the model takes on the backends. */
export function used({ backends }: Placement): number {
  return sum(backends.map(({ totalBytes }) => totalBytes));
}

/** Bytes that the backends have. */
export function declared({ backends }: Placement): number {
  return sum(backends.map(({ capacityBytes }) => capacityBytes));
}

function names(pools: readonly Pool[]): string {
  return pools.map(({ name }) => name).join(", ");
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
