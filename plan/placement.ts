/** Where everything goes: layers to the front and the backends, and the memory of each. */

import type { ClusterConfig, PoolConfig } from "../config/schema.ts";
import { memoryBytes } from "../config/units.ts";
import { memoryModel } from "./memory/devices.ts";
import { runSettings } from "./memory/settings.ts";
import type { ModelFacts } from "./model/facts.ts";
import { splitLayers } from "./split.ts";
import type { MemoryPlan } from "./types.ts";

/** One backend of a pool. */
export interface Slot {
  pool: PoolConfig;
  poolIndex: number;
  /** Number within the pool. */
  index: number;
}

/** The placement of a model on a cluster, fitting or not. */
export interface Placement {
  /** Layers from 0 on that the front computes itself. */
  frontLayers: number;
  /** Layers of each backend, in order. */
  counts: number[];
  front: MemoryPlan;
  backends: MemoryPlan[];
  fits: boolean;
}

/** Every backend of every pool, in the order of the devices. */
export function slotsOf(config: ClusterConfig): Slot[] {
  return config.backends.flatMap((pool, poolIndex) =>
    Array.from({ length: pool.count }, (_, index) => ({ pool, poolIndex, index })),
  );
}

/**
 * Places the model. The backends hold every layer if they can; if not, the front takes the first layers, as few as will
 * do. If nothing fits, the placement is the one without layers on the front. Null if there are fewer layers than backends.
 */
export function place(config: ClusterConfig, facts: ModelFacts): Placement | null {
  const slots = slotsOf(config);
  const capacities = slots.map(({ pool }) => memoryBytes(pool.memory));
  const memory = memoryModel(facts, runSettings(config));
  const frontCapacity = memoryBytes(config.front.memory);

  const attempt = (frontLayers: number): Placement | null => {
    // llama.cpp overlaps the devices only if it has several and all layers lie on them.
    const pipelined = slots.length > 1 && frontLayers === 0;
    const backend = (device: number, first: number, count: number) => {
      const layers = {
        first,
        count,
        holdsOutput: device === slots.length - 1,
        followsFront: device === 0 && frontLayers > 0,
      };
      return memory.backend(slots[device]?.pool.flavour ?? "cpu", capacities[device] ?? 0, layers, pipelined);
    };
    const split = splitLayers(
      { first: frontLayers, count: facts.layers - frontLayers },
      capacities,
      (device, first, count) => backend(device, first, count).totalBytes,
    );
    if (split === null) return null;
    const front = memory.front(frontCapacity, frontLayers, pipelined);
    const firsts = split.counts.map((_, device) => frontLayers + sum(split.counts.slice(0, device)));
    const backends = split.counts.map((count, device) => backend(device, firsts[device] ?? 0, count));
    const fits = split.fullest <= 1 && front.totalBytes <= frontCapacity;
    return { frontLayers, counts: split.counts, front, backends, fits };
  };

  const whole = attempt(0);
  if (whole === null || whole.fits) return whole;
  const most = facts.layers - slots.length;
  const backendsFit = (placement: Placement | null) =>
    placement?.backends.every(({ totalBytes, capacityBytes }) => totalBytes <= capacityBytes) ?? false;
  const least = leastThat((frontLayers) => backendsFit(attempt(frontLayers)), 1, most);
  const shared = least === null ? null : attempt(least);
  return shared?.fits === true ? shared : whole;
}

/** The least number from `low` to `high` for which the monotone test holds, or null if it holds for none. */
export function leastThat(test: (value: number) => boolean, low: number, high: number): number | null {
  if (low > high || !test(high)) return null;
  let [from, to] = [low, high];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (test(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
