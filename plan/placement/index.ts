/** The placement of the layers on the front and the backends, and the memory of each. */

import { at } from "../../config/collections.ts";
import type { Backend, Cluster } from "../hosts/cluster.ts";
import { memoryModel } from "../memory/devices.ts";
import type { MemoryPlan } from "../memory/plan.ts";
import type { ModelFacts } from "../model/facts.ts";
import { evenestSplit, hasSplitThatFits } from "./even-split.ts";
import { fastestSplitOf } from "./speed-split.ts";

/** The placement of a model on a cluster, whether it fits or not. */
export interface Placement {
  /** Number of layers that the front computes itself; they are the first ones. */
  frontLayers: number;
  /** Number of layers of each backend, in the order of the devices. */
  counts: number[];
  front: MemoryPlan;
  backends: MemoryPlan[];
  fits: boolean;
}

/**
 * Places the model. If the stack file has a split, that split is used. Otherwise the backends hold every layer if they
 * can; if not, the front takes the first layers, as few as possible. If nothing fits, the placement is the one without
 * layers on the front. Null if the model has fewer layers than backends, or than the stack file's split has.
 */
export function place(cluster: Cluster, facts: ModelFacts): Placement | null {
  const { front, ownSplit: own } = cluster;
  const devices: readonly Backend[] = cluster.backends;
  const capacities = devices.map(({ capacityBytes }) => capacityBytes);
  const memory = memoryModel(facts, cluster.settings);

  const memoryOf = (device: number, first: number, count: number, frontLayers: number) => {
    const layers = {
      first,
      count,
      holdsOutput: device === devices.length - 1,
      followsFront: device === 0 && frontLayers > 0,
    };
    const { flavour, capacityBytes } = at(devices, device);
    return memory.backend(flavour, capacityBytes, layers, isPipelined(devices.length, frontLayers));
  };
  const placed = (frontLayers: number, counts: number[]): Placement => {
    const onFront = memory.front(front.capacityBytes, frontLayers, isPipelined(devices.length, frontLayers));
    let first = frontLayers;
    const backends = counts.map((count, device) => {
      const needed = memoryOf(device, first, count, frontLayers);
      first += count;
      return needed;
    });
    const fits = [onFront, ...backends].every(({ totalBytes, capacityBytes }) => totalBytes <= capacityBytes);
    return { frontLayers, counts, front: onFront, backends, fits };
  };

  if (own !== null) return sum(own) > facts.layers ? null : placed(facts.layers - sum(own), [...own]);

  const attempt = (frontLayers: number): Placement | null => {
    const layers = { first: frontLayers, count: facts.layers - frontLayers };
    const needed = (device: number, first: number, count: number) =>
      memoryOf(device, first, count, frontLayers).totalBytes;
    const pipelined = isPipelined(devices.length, frontLayers);
    const fast = fastestSplitOf(cluster, facts, { layers, needed, pipelined });
    // If nothing fits or the speeds are unknown, the devices are filled evenly.
    const counts = fast ?? evenestSplit(layers, capacities, needed)?.counts;
    return counts === undefined ? null : placed(frontLayers, counts);
  };
  const whole = attempt(0);
  if (whole === null || whole.fits) return whole;
  const most = facts.layers - devices.length;
  const backendsFit = (frontLayers: number) =>
    hasSplitThatFits(
      { first: frontLayers, count: facts.layers - frontLayers },
      capacities,
      (device, first, count) => memoryOf(device, first, count, frontLayers).totalBytes,
    );
  const least = smallestWhere(backendsFit, 1, most);
  const shared = least === null ? null : attempt(least);
  return shared?.fits === true ? shared : whole;
}

/** Whether llama.cpp pipelines: only if it has several devices and all layers are on them. */
export function isPipelined(devices: number, frontLayers: number): boolean {
  return devices > 1 && frontLayers === 0;
}

/** The smallest number from `low` to `high` that passes the monotone test; null if none does. */
export function smallestWhere(test: (value: number) => boolean, low: number, high: number): number | null {
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
