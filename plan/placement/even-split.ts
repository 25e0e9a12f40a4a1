/** The split that fills the devices evenly, where their speeds are not known. Pure numbers: what a run of layers needs is asked of the memory model. */

import { at } from "../../config/collections.ts";

/** Also what an index out of bounds reads in the inner loops, for which `at` takes too long: nothing fits there. */
const NEVER = Number.POSITIVE_INFINITY;
const UNASKED = -1;

/**
 * Bytes that a device needs for `count` layers from `first` on; the last device holds the output layer too. One layer more
 * never needs less.
 */
export type NeededBytes = (device: number, first: number, count: number) => number;

/** Layers of each device, in the order of the devices. */
export interface Split {
  counts: number[];
  /** How full the fullest device is: above 1 it does not fit. */
  fullest: number;
}

/**
 * Splits the layers from `firstLayer` on so that the fullest device is as empty as can be, and among those splits so that
 * the devices are filled most evenly. Every device gets at least one layer: the front refuses a backend without any.
 * Null if there are fewer layers than devices.
 */
export function evenestSplit(
  layers: { first: number; count: number },
  capacities: readonly number[],
  needed: NeededBytes,
): Split | null {
  const devices = capacities.length;
  if (devices === 0 || layers.count < devices) return null;
  const shares = shareTable(layers, capacities, needed);
  const fullest = lowestPeak(layers.count, shares);
  return { counts: evenest(layers.count, shares, fullest), fullest };
}

/**
 * Whether any split fits, found without weighing splits against each other: which numbers of layers the first devices can
 * hold, one device after the other.
 */
export function hasSplitThatFits(
  layers: { first: number; count: number },
  capacities: readonly number[],
  needed: NeededBytes,
): boolean {
  let ends = new Set([0]);
  for (const [device, capacity] of capacities.entries()) {
    const others = capacities.length - device - 1;
    const reached = new Set<number>();
    for (const from of ends) {
      const most = mostThatFit(
        layers.count - others - from,
        (own) => needed(device, layers.first + from, own) <= capacity,
      );
      for (let own = 1; own <= most; own++) reached.add(from + own);
    }
    ends = reached;
  }
  return ends.has(layers.count);
}

/** The greatest number up to `limit` for which the monotone test holds; 0 if it holds for none. */
function mostThatFit(limit: number, fits: (count: number) => boolean): number {
  let [holds, fails] = [0, limit + 1];
  while (fails - holds > 1) {
    const middle = Math.floor((holds + fails) / 2);
    if (fits(middle)) holds = middle;
    else fails = middle;
  }
  return Math.max(0, holds);
}

/** How full device `d` is with `count` layers from offset `from` on: `shares[d](from, count)`. */
type Share = (from: number, count: number) => number;

function shareTable(
  layers: { first: number; count: number },
  capacities: readonly number[],
  needed: NeededBytes,
): Share[] {
  return capacities.map((capacity, device) => {
    const known = new Float64Array((layers.count + 1) ** 2).fill(UNASKED);
    return (from, count) => {
      const key = from * (layers.count + 1) + count;
      const share = known[key] ?? UNASKED;
      if (share >= 0) return share;
      const asked = needed(device, layers.first + from, count) / capacity;
      known[key] = asked;
      return asked;
    };
  });
}

/** Dynamic programme over devices: the least possible share of the fullest device. */
function lowestPeak(count: number, shares: readonly Share[]): number {
  return leastByShares(count, shares, (rest, share) => Math.max(rest, share)).cost;
}

/** Among the splits in which no device is fuller than `peak`, the one with the least sum of squared shares. */
function evenest(count: number, shares: readonly Share[], peak: number): number[] {
  return leastByShares(count, shares, (rest, share) => (share > peak ? NEVER : rest + share * share)).counts;
}

/** Cheapest way to give `count` layers to the devices in order; `join` adds one device's share to the cost so far. */
function leastByShares(
  count: number,
  shares: readonly Share[],
  join: (rest: number, share: number) => number,
): { cost: number; counts: number[] } {
  const devices = shares.length;
  // best[d][n]: cost of the first n layers on the first d devices; took[d][n]: layers of the last of them.
  const best = [[0, ...Array.from({ length: count }, () => NEVER)]];
  const took: number[][] = [[]];
  shares.forEach((share, device) => {
    const before = at(best, device);
    const costs = Array.from({ length: count + 1 }, () => NEVER);
    const counts = Array.from({ length: count + 1 }, () => 0);
    for (let total = device + 1; total <= count - (devices - device - 1); total++) {
      for (let own = 1; own <= total - device; own++) {
        const ownShare = share(total - own, own);
        // More layers only fill this device further: nothing better can follow.
        if (join(0, ownShare) >= (costs[total] ?? NEVER)) break;
        const cost = join(before[total - own] ?? NEVER, ownShare);
        if (cost < (costs[total] ?? NEVER)) {
          costs[total] = cost;
          counts[total] = own;
        }
      }
    }
    best.push(costs);
    took.push(counts);
  });
  const result: number[] = [];
  for (let device = devices, left = count; device > 0; device--) {
    const own = at(at(took, device), left);
    result.unshift(own);
    left -= own;
  }
  return { cost: at(at(best, devices), count), counts: result };
}

/**
 * llama.cpp's `--tensor-split` for a split: its own rounding (`load_tensors` in `src/llama-model.cpp`) compares the share
 * of a layer with running sums of these numbers over their total, so the counts themselves, the output layer counted with
 * the last device, give exactly this split.
 */
export function tensorSplitOf(counts: readonly number[]): number[] {
  return counts.map((count, device) => (device === counts.length - 1 ? count + 1 : count));
}
