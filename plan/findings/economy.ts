/** Findings about clusters of one's own machine that work and could do with less. Every remedy is tried before it is proposed. */

import type { ClusterConfig, PoolConfig } from "../../config/schema/index.ts";
import { GIB, memorySize } from "../../config/units.ts";
import { poolHost, slotsOf } from "../hosts/hosts.ts";
import type { MemoryPlan } from "../memory/plan.ts";
import type { ModelFacts } from "../model/facts.ts";
import { type Placement, place } from "../placement/index.ts";
import { poolChange, priceText, withoutLayers, withoutLayersText } from "../remedies/candidates.ts";
import type { ConfigChange } from "../remedies/change.ts";
import { couldHold } from "../remedies/feasible.ts";
import { writtenSize } from "../remedies/memory.ts";
import { holdsEverything } from "../remedies/speed.ts";
import type { Check } from "./situation.ts";

/** Says where one backend could hold the whole model. */
const oneBackendIsEnough: Check = ({ config, facts, placement }) => {
  if (config.aws !== undefined) return [];
  const count = slotsOf(config).length;
  const pool = count === 1 || !holdsEverything(placement) ? null : poolThatIsEnough(config, facts);
  if (pool === null) return [];
  const isAlone = config.backends.length === 1;
  const spared = sum(slotsOf(config).map(({ capacityBytes }) => capacityBytes)) - poolHost(pool).capacityBytes;
  const one = poolChange(config, 0, "count", 1);
  const change: ConfigChange = isAlone
    ? one.change
    : { path: "backends", value: [{ ...withoutLayers(pool), count: 1 }] };
  const layers = withoutLayersText(config, one.config);
  const trips = count === 2 ? "one trip" : `${count - 1} trips`;
  return [
    {
      code: "one-backend-is-enough",
      severity: "advice",
      path: change.path,
      message: `One backend of pool ${pool.name} holds the whole model: it would save every token ${trips} over the network and leave ${memorySize(spared)} to others.`,
      remedy: isAlone
        ? `Set ${one.what}${layers}.`
        : `Keep pool ${pool.name} alone, with count 1${layers.replace(/^ and/, ", and")}.`,
      change,
    },
  ];
};

/** Says where CPU backends slow a cluster down whose GPUs hold the whole model. */
const cpuBesideGpu: Check = ({ config, facts, placement }) => {
  const gpus = config.backends.filter((pool) => poolHost(pool).flavour === "cuda").map(withoutLayers);
  const cpus = config.backends.filter((pool) => poolHost(pool).flavour === "cpu");
  if (gpus.length === 0 || cpus.length === 0 || !holdsEverything(placement)) return [];
  const without = { ...config, backends: gpus };
  // The stronger advice says the same and more.
  if (config.aws === undefined && poolThatIsEnough(config, facts) !== null) return [];
  if (!couldHold(without, facts, "all") || !holdsEverything(place(without, facts))) return [];
  const price = config.aws === undefined ? "" : priceText(config, without);
  return [
    {
      code: "cpu-beside-gpu",
      severity: "warning",
      path: "backends",
      message: `The backends with GPUs hold the whole model without ${names(cpus)}: a token waits for every backend in turn, and longest for those on CPUs.`,
      remedy: `Remove ${cpus.length === 1 ? "pool" : "pools"} ${names(cpus)}${withoutLayersText(config, without)}${price}.`,
      change: { path: "backends", value: gpus },
    },
  ];
};

/** Less than this is not worth a word. */
const WASTE_BYTES = GIB;
const WASTE_SHARE = 0.5;
/** Part of what is needed that a remedy leaves free. */
const SPARE_SHARE = 0.25;

/** Says where backends on CPUs declare far more memory than the model takes. A GPU's memory is what it is. */
const memoryIsUsed: Check = ({ config, facts, placement }) => {
  if (!isMostlyUnused(config, placement)) return [];
  const sizes = config.backends.map((_, index) => sizeNeeded(poolMemory(config, placement, index)));
  const [first] = sizes;
  const isAlone = config.backends.length === 1;
  const pools = config.backends.map((pool, index) => ({ ...pool, memory: sizes[index] ?? pool.memory }));
  const smaller = { ...config, backends: pools };
  const change: ConfigChange =
    isAlone && first !== undefined ? { path: "backends[0].memory", value: first } : { path: "backends", value: pools };
  const after = place(smaller, facts);
  if (!holdsEverything(after) || isMostlyUnused(smaller, after)) return [];
  const remedies = config.backends.map((_, index) => `backends[${index}].memory to ${sizes[index] ?? ""}`);
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
function poolThatIsEnough(config: ClusterConfig, facts: ModelFacts): PoolConfig | null {
  const gpus = config.backends.filter((pool) => poolHost(pool).flavour === "cuda");
  const candidates = (gpus.length > 0 ? gpus : config.backends).toSorted(
    (a, b) => poolHost(a).capacityBytes - poolHost(b).capacityBytes,
  );
  const isEnough = (pool: PoolConfig) =>
    holdsEverything(place({ ...config, backends: [{ ...withoutLayers(pool), count: 1 }] }, facts));
  return candidates.find(isEnough) ?? null;
}

function isMostlyUnused(config: ClusterConfig, placement: Placement | null): placement is Placement {
  const isOwnMachine = config.backends.every((pool) => poolHost(pool).flavour === "cpu" && pool.machine === undefined);
  return isOwnMachine && holdsEverything(placement) && isWasteful(placement);
}

/** Whether even the fullest backend is more than half empty, and that is worth a word. */
export function isWasteful(placement: Placement): boolean {
  const fullest = Math.max(...placement.backends.map(({ totalBytes, capacityBytes }) => totalBytes / capacityBytes));
  return fullest < WASTE_SHARE && declared(placement) - used(placement) >= WASTE_BYTES;
}

function poolMemory(config: ClusterConfig, placement: Placement, index: number): MemoryPlan[] {
  const slots = slotsOf(config);
  return placement.backends.filter((_, device) => slots[device]?.poolIndex === index);
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

function names(pools: readonly PoolConfig[]): string {
  return pools.map(({ name }) => name).join(", ");
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
