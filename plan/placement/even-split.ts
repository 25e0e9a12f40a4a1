/**
 * The split that fills the devices evenly, for devices of unknown speed. It works on numbers alone: the caller passes a
 * function that returns the bytes of a run of layers.
 */

import { at } from "../../config/collections.ts";

/** Cost of a run that does not fit. The inner loops also use it for an index out of bounds, because `at` takes too long. */
const NEVER = Number.POSITIVE_INFINITY;
const UNASKED = -1;

/**
 * Bytes that a device needs for `count` layers from `first` on. The last device also holds the output layer. More layers
 * never need fewer bytes.
 */
export type NeededBytes = (device: number, first: number, count: number) => number;

/** Layers of each device, in the order of the devices. */
export interface Split {
  counts: number[];
  /** Fill of the fullest device: needed bytes over capacity. Above 1 the split does not fit. */
  fullest: number;
}

/**
 * Finds the split whose fullest device is least full, and among these the one that fills the devices most evenly. Every
 * device gets at least one layer, because the front refuses a backend without layers. Null if there are fewer layers than
 * devices.
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
 * Whether any split fits. It compares no splits: device by device, it collects how many layers the devices so far can
 * hold together.
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

/** The largest number up to `limit` that passes the monotone test; 0 if none does. */
function mostThatFit(limit: number, fits: (count: number) => boolean): number {
  let [holds, fails] = [0, limit + 1];
  while (fails - holds > 1) {
    const middle = Math.floor((holds + fails) / 2);
    if (fits(middle)) holds = middle;
    else fails = middle;
  }
  return Math.max(0, holds);
}

/** Fill of device `d` with `count` layers from offset `from` on: `shares[d](from, count)`. */
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

/** The lowest possible fill of the fullest device, by dynamic programming over the devices. */
function lowestPeak(count: number, shares: readonly Share[]): number {
  return leastByShares(count, shares, (rest, share) => Math.max(rest, share)).cost;
}

/** Among the splits in which no device is fuller than `peak`, the one with the lowest sum of squared fills. */
function evenest(count: number, shares: readonly Share[], peak: number): number[] {
  return leastByShares(count, shares, (rest, share) => (share > peak ? NEVER : rest + share * share)).counts;
}

/** The split of `count` layers with the lowest cost; `join` adds the fill of one device to the cost so far. */
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
        // More layers only fill this device further, so no better split follows.
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
 * llama.cpp's `--tensor-split` for a split. llama.cpp compares the position of a layer with running sums of these numbers
 * over their total (`load_tensors` in `src/llama-model.cpp`). So the numbers of layers, with the output layer counted on
 * the last device, give exactly this split.
 */
export function tensorSplitOf(counts: readonly number[]): number[] {
  return counts.map((count, device) => (device === counts.length - 1 ? count + 1 : count));
}
