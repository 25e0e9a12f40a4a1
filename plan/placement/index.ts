/** Where everything goes: layers to the front and the backends, and the memory of each. */

import type { ClusterConfig } from "../../config/schema/index.ts";
import { frontHost, slotsOf } from "../hosts/hosts.ts";
import { memoryModel } from "../memory/devices.ts";
import type { MemoryPlan } from "../memory/plan.ts";
import { runSettings } from "../memory/settings.ts";
import type { ModelFacts } from "../model/facts.ts";
import { hasSplitThatFits, splitLayers } from "./even-split.ts";
import { speedSplit } from "./speed-split.ts";

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

/**
 * Places the model: as the stack file's own split says, or else so that the backends hold every layer if they can; if not,
 * the front takes the first layers, as few as will do. If nothing fits, the placement is the one without layers on the
 * front. Null if there are fewer layers than backends, or than the own split gives out.
 */
export function place(config: ClusterConfig, facts: ModelFacts): Placement | null {
  const slots = slotsOf(config);
  const capacities = slots.map(({ capacityBytes }) => capacityBytes);
  const memory = memoryModel(facts, runSettings(config));
  const frontCapacity = frontHost(config).capacityBytes;

  const memoryOf = (device: number, first: number, count: number, frontLayers: number) => {
    const layers = {
      first,
      count,
      holdsOutput: device === slots.length - 1,
      followsFront: device === 0 && frontLayers > 0,
    };
    const { flavour = "cpu", capacityBytes = 0 } = slots[device] ?? {};
    return memory.backend(flavour, capacityBytes, layers, isPipelined(slots.length, frontLayers));
  };
  const placed = (frontLayers: number, counts: number[]): Placement => {
    const front = memory.front(frontCapacity, frontLayers, isPipelined(slots.length, frontLayers));
    const firsts = counts.map((_, device) => frontLayers + sum(counts.slice(0, device)));
    const backends = counts.map((count, device) => memoryOf(device, firsts[device] ?? 0, count, frontLayers));
    const fits = [front, ...backends].every(({ totalBytes, capacityBytes }) => totalBytes <= capacityBytes);
    return { frontLayers, counts, front, backends, fits };
  };

  const own = ownSplit(config);
  if (own !== null) return sum(own) > facts.layers ? null : placed(facts.layers - sum(own), own);

  const attempt = (frontLayers: number): Placement | null => {
    const layers = { first: frontLayers, count: facts.layers - frontLayers };
    const needed = (device: number, first: number, count: number) =>
      memoryOf(device, first, count, frontLayers).totalBytes;
    const pipelined = isPipelined(slots.length, frontLayers);
    const fast = speedSplit(config, facts, { layers, needed, pipelined });
    // Where nothing fits, or speeds are not known, the devices are filled as evenly as can be.
    const counts = fast ?? splitLayers(layers, capacities, needed)?.counts;
    return counts === undefined ? null : placed(frontLayers, counts);
  };
  const whole = attempt(0);
  if (whole === null || whole.fits) return whole;
  const most = facts.layers - slots.length;
  const backendsFit = (frontLayers: number) =>
    hasSplitThatFits(
      { first: frontLayers, count: facts.layers - frontLayers },
      capacities,
      (device, first, count) => memoryOf(device, first, count, frontLayers).totalBytes,
    );
  const least = leastThat(backendsFit, 1, most);
  const shared = least === null ? null : attempt(least);
  return shared?.fits === true ? shared : whole;
}

/** Layers of each backend as the stack file has them, in the order of the devices; null if it leaves them to the planner. */
export function ownSplit({ backends }: ClusterConfig): number[] | null {
  const counts = backends.map(({ layers }) => layers);
  return counts.every((layers) => layers !== undefined) ? counts.flat() : null;
}

/** llama.cpp overlaps the devices only if it has several and all layers lie on them. */
export function isPipelined(devices: number, frontLayers: number): boolean {
  return devices > 1 && frontLayers === 0;
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
