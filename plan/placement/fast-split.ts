/**
 * The split for speed: gives layers to devices of different speed so that everything fits and a token takes the least
 * time.
 *
 * If splits take nearly the same time, the one that fills the devices evenly wins. The mean of the squared fill, weighted
 * by capacity, is added to the time as a penalty; if every device is full, it is 0.1 % of the least possible time. So
 * evenness never costs more than 0.1 %, and equally fast devices, for which every split takes the same time, share
 * equally. The needed bytes decide what fits. The penalty uses an estimate of them: the sum of what each layer adds.
 */

import { at, memoize } from "../../config/collections.ts";
import type { NeededBytes } from "./even-split.ts";

/** Seconds that a device takes for `count` layers from `first` on. More layers never take less time. */
export type TakenSeconds = (device: number, first: number, count: number) => number;

/**
 * One device. Devices with the same kinds and capacity must need the same bytes and seconds for the same layers, because
 * only one of them is asked. Do not give the first or the last device a kind of its own: what only they have (the state
 * from the front, the output layer) is in the runs that only they can get.
 */
export interface FastDevice {
  capacityBytes: number;
  /** Equal for devices that need the same bytes. */
  memoryKind: number;
  /** Equal for devices that take the same seconds. */
  speedKind: number;
}

/** The layers, the devices, and the bytes and seconds of each run of layers. */
export interface FastSplitProblem {
  layers: { first: number; count: number };
  devices: readonly FastDevice[];
  needed: NeededBytes;
  /** Seconds for one token of an answer. A token passes through all devices, so their times add up. */
  token: TakenSeconds;
  /** Seconds for the part of a prompt that is read for one token of an answer. */
  prompt: TakenSeconds;
  /** Whether prompts overlap on the devices: then the time of the slowest device counts, otherwise the sum. */
  pipelined: boolean;
}

/** A split and its time. */
export interface FastSplit {
  /** Layers of each device. */
  counts: number[];
  /** Seconds for one token of an answer and its part of the prompt. */
  seconds: number;
}

/** Part of the least possible time that evenness may cost. */
export const EVENNESS_SHARE = 0.001;
/** Stages that differ by less than this part count as equal: they differ only by rounding. */
const ROUNDING = 1e-9;
/** Number of limits to try before the exact search. More of them do not make the search faster. */
const STEPS = 4;
/** Cost of a run that does not fit. The inner loops also use it for an index out of bounds, because `at` takes too long. */
const NEVER = Number.POSITIVE_INFINITY;
const UNASKED = -1;

/**
 * Finds the fastest split that fits and gives every device at least one layer. Null if none fits.
 *
 * Without overlap, one dynamic program over the devices finds it. With overlap, the time is a sum plus a maximum (the
 * slowest stage). The program then runs repeatedly: each run finds the least sum in which every stage is faster than the
 * slowest stage of the last answer. It stops when no sum can be better any more, so it misses no split that could be best.
 */
export function fastestSplit(problem: FastSplitProblem): FastSplit | null {
  const { devices, layers, pipelined } = problem;
  if (devices.length === 0 || layers.count < devices.length) return null;
  const tables = tablesOf(problem);
  const quickest = leastByTime(tables, "cost", NEVER);
  if (quickest === null) return null;
  const leastStage = pipelined ? (leastByTime(tables, "stage", NEVER)?.cost ?? 0) : 0;
  addUnevenness(tables, EVENNESS_SHARE * (quickest.cost + leastStage));
  const counts = pipelined ? leastWithSlowest(tables, leastStage) : leastByTime(tables, "cost", NEVER)?.counts;
  return counts === undefined ? null : { counts, seconds: secondsOf(problem, counts) };
}

/**
 * The split for which the costs plus the slowest stage are least.
 * @param leastStage seconds of the fastest possible slowest stage
 */
function leastWithSlowest(tables: Tables, leastStage: number): number[] | undefined {
  const first = leastByTime(tables, "cost", NEVER);
  if (first === null) return undefined;
  let slowest = slowestStage(tables, first.counts);
  let best = { counts: first.counts, total: first.cost + slowest };
  const consider = ({ cost, counts }: Candidate, stage: number) => {
    if (cost + stage < best.total) best = { counts, total: cost + stage };
  };
  // A few limits between both ends come first, because a good split to compare with saves most of the later runs.
  for (let step = 0; step < STEPS; step++) {
    const limit = leastStage * (1 + ROUNDING) + ((slowest - leastStage) * step) / STEPS;
    const found = leastByTime(tables, "cost", limit);
    if (found !== null) consider(found, slowestStage(tables, found.counts));
  }
  const ahead = leastAhead(tables);
  let sum = first.cost;
  while (slowest > leastStage * (1 + ROUNDING)) {
    // No later sum is below the last one, so a better split has a slowest stage below the rest: best total minus that sum.
    const limit = Math.min(slowest, best.total - sum) * (1 - ROUNDING);
    const found = leastByTime(tables, "cost", limit, { ahead, most: best.total - leastStage });
    if (found === null) break;
    slowest = slowestStage(tables, found.counts);
    consider(found, slowest);
    sum = found.cost;
  }
  return best.counts;
}

/** The cost of each run of layers on devices of one kind, by first layer and number of layers: `[from * width + own]`. */
interface Runs {
  /** Seconds that add up over the devices; infinite for a run that does not fit. */
  cost: Float64Array;
  /** Seconds of which only the slowest device counts: those of the prompt if prompts overlap, otherwise 0. */
  stage: Float64Array;
  /** Squared fill, weighted by the device's part of the total capacity. */
  unevenness: Float64Array;
}

interface Tables {
  count: number;
  width: number;
  /** The runs of each device; equal devices share one object. */
  runs: Runs[];
}

/**
 * Computes every run that a device could get. Only the first device can get a run that begins with the first layer, and
 * only the last device a run that ends with the last layer. Therefore devices of one kind can share their tables.
 */
function tablesOf(problem: FastSplitProblem): Tables {
  const { layers, devices, token, prompt, pipelined } = problem;
  const { first, count } = layers;
  const width = count + 1;
  const allBytes = devices.reduce((sum, { capacityBytes }) => sum + capacityBytes, 0);
  const memory = memoryOf(problem, width);
  const runsOfKind = memoize((_kind: string) => emptyRuns(width));

  const runs = devices.map(({ capacityBytes, memoryKind, speedKind }, device) => {
    const own = runsOfKind(`${memoryKind} ${speedKind} ${capacityBytes}`);
    const { cost, stage, unevenness } = own;
    const { lastFrom, firstTo, lastTo } = roomOf(count, devices.length, device);
    for (let from = device; from <= lastFrom; from++) {
      const row = from * width - from;
      const begin = Math.max(from + 1, firstTo);
      const end = memory.lastThatFits(device, from, begin, lastTo);
      for (let to = begin; to <= end; to++) {
        if (cost[row + to] !== UNASKED) continue;
        const ofPrompt = prompt(device, first + from, to - from);
        cost[row + to] = token(device, first + from, to - from) + (pipelined ? 0 : ofPrompt);
        if (pipelined) stage[row + to] = ofPrompt;
        const bytes = memory.estimate(device, from, to);
        unevenness[row + to] = bytes === 0 ? 0 : (bytes / capacityBytes) * (bytes / allBytes);
      }
      if (end < lastTo) {
        cost[row + end + 1] = NEVER;
        stage[row + end + 1] = NEVER;
      }
    }
    return own;
  });
  return { count, width, runs };
}

function emptyRuns(width: number): Runs {
  const empty = () => new Float64Array(width * width);
  return { cost: empty().fill(UNASKED), stage: empty(), unevenness: empty() };
}

/** Finds what fits with few calls of the memory model, because each call is slow. */
interface Memory {
  /** End of the longest run from `from` on that fits the device, at most `end`; below `begin` if none fits. */
  lastThatFits(device: number, from: number, begin: number, end: number): number;
  /** Estimated bytes of a run: what each layer adds on the first device, plus what the device needs besides. */
  estimate(device: number, from: number, to: number): number;
}

function memoryOf({ layers, devices, needed }: FastSplitProblem, width: number): Memory {
  const { first, count } = layers;
  const bytesOfKind = memoize((_kind: number) => new Float64Array(width * width).fill(UNASKED));
  const bytesOf = devices.map(({ memoryKind }) => bytesOfKind(memoryKind));
  const ask = (device: number, from: number, own: number): number => {
    const known = at(bytesOf, device);
    const run = from * width + own;
    if (known[run] === UNASKED) known[run] = needed(device, first + from, own);
    return known[run] ?? NEVER;
  };

  // Only the first device can have the first layer, so what that layer adds may be counted with the device.
  const sums = new Float64Array(width);
  for (let to = 2; to < width; to++) sums[to] = at(sums, to - 1) + Math.max(0, ask(0, 0, to) - ask(0, 0, to - 1));
  const added = (from: number, to: number) => (sums[to] ?? NEVER) - (sums[from] ?? NEVER);
  const last = devices.length - 1;
  const besidesOf = memoize(
    (device: number) => {
      const from = device === last ? count - 1 : device;
      return ask(device, from, 1) - added(from, from + 1);
    },
    (device) => (device === 0 || device === last ? `device ${device}` : at(devices, device).memoryKind),
  );
  const besides = devices.map((_, device) => besidesOf(device));

  const lastEnds = devices.map(() => 0);
  return {
    lastThatFits(device, from, begin, end) {
      const capacity = at(devices, device).capacityBytes;
      // The run ends about one layer later than the run before. If a run does not fit, a longer one does not either.
      let to = Math.min(Math.max(at(lastEnds, device) + 1, begin), end);
      while (to >= begin && ask(device, from, to - from) > capacity) to--;
      if (to >= begin) while (to < end && ask(device, from, to + 1 - from) <= capacity) to++;
      lastEnds[device] = to;
      return to;
    },
    estimate: (device, from, to) => at(besides, device) + added(from, to),
  };
}

/** Where the layers of a device can begin and end if every device has at least one layer. */
function roomOf(count: number, devices: number, device: number): { lastFrom: number; firstTo: number; lastTo: number } {
  const lastTo = count - (devices - device - 1);
  return { lastFrom: device === 0 ? 0 : lastTo - 1, firstTo: lastTo === count ? count : 1, lastTo };
}

function addUnevenness({ runs }: Tables, seconds: number): void {
  for (const { cost, unevenness } of new Set(runs)) {
    for (let run = 0; run < cost.length; run++) {
      const value = cost[run] ?? UNASKED;
      if (value !== UNASKED) cost[run] = value + seconds * (unevenness[run] ?? NEVER);
    }
  }
}

/** A split with the sum, or the slowest stage, that it was chosen for. */
interface Candidate {
  cost: number;
  counts: number[];
}

/** The most that a split may cost, and the least cost of the remaining devices and layers: `ahead[device][layer]`. */
interface Budget {
  most: number;
  ahead: readonly Float64Array[];
}

/** The split with the least sum in which no stage is above the limit, or (`stage`) that with the fastest slowest stage. */
function leastByTime(
  { count, width, runs }: Tables,
  what: "cost" | "stage",
  limit: number,
  budget: Budget | null = null,
): Candidate | null {
  const nothing = new Float64Array(width);
  const most = budget?.most ?? NEVER;
  let before = new Float64Array(width).fill(NEVER);
  before[0] = 0;
  const took = runs.map((own, device) => {
    const values = own[what];
    const stages = own.stage;
    const ahead = budget === null ? nothing : at(budget.ahead, device + 1);
    const after = new Float64Array(width).fill(NEVER);
    const taken = new Int32Array(width);
    const { lastFrom, firstTo, lastTo } = roomOf(count, runs.length, device);
    for (let from = device; from <= lastFrom; from++) {
      const rest = before[from] ?? NEVER;
      if (rest === NEVER) continue;
      const row = from * width - from;
      for (let to = Math.max(from + 1, firstTo); to <= lastTo; to++) {
        const value = values[row + to] ?? NEVER;
        // If these layers do not fit or take too long, more layers do not help.
        if (rest + value > most || value === NEVER || (stages[row + to] ?? NEVER) > limit) break;
        const joined = what === "cost" ? rest + value : Math.max(rest, value);
        if (joined < (after[to] ?? NEVER) && joined + (ahead[to] ?? NEVER) <= most) {
          after[to] = joined;
          taken[to] = to - from;
        }
      }
    }
    before = after;
    return taken;
  });
  const cost = at(before, count);
  return cost === NEVER ? null : { cost, counts: countsOf(count, took) };
}

/** The same from the other end, without a limit: `[device][from]` is the least that all layers from there on cost. */
function leastAhead({ count, width, runs }: Tables): Float64Array[] {
  const end = new Float64Array(width).fill(NEVER);
  end[count] = 0;
  const ahead = [end];
  for (const [behind, { cost }] of runs.toReversed().entries()) {
    const after = at(ahead, 0);
    const least = new Float64Array(width).fill(NEVER);
    const device = runs.length - 1 - behind;
    const { lastFrom, firstTo, lastTo } = roomOf(count, runs.length, device);
    for (let from = device; from <= lastFrom; from++) {
      const row = from * width - from;
      let best = NEVER;
      for (let to = Math.max(from + 1, firstTo); to <= lastTo; to++) {
        const value = cost[row + to] ?? NEVER;
        if (value === NEVER) break;
        best = Math.min(best, value + (after[to] ?? NEVER));
      }
      least[from] = best;
    }
    ahead.unshift(least);
  }
  return ahead;
}

/** Layers of each device in the best split, read backwards from the last device. */
function countsOf(count: number, took: readonly Int32Array[]): number[] {
  const counts: number[] = [];
  let left = count;
  for (const taken of took.toReversed()) {
    const own = at(taken, left);
    counts.unshift(own);
    left -= own;
  }
  return counts;
}

function slowestStage({ runs, width }: Tables, counts: readonly number[]): number {
  return Math.max(...runsOf(counts).map(([device, from, own]) => at(at(runs, device).stage, from * width + own)));
}

/** Device, first layer and number of layers of each part of a split. */
function runsOf(counts: readonly number[]): [device: number, from: number, own: number][] {
  let from = 0;
  return counts.map((own, device) => {
    from += own;
    return [device, from - own, own];
  });
}

function secondsOf({ layers, token, prompt, pipelined }: FastSplitProblem, counts: readonly number[]): number {
  const runs = runsOf(counts).map(([device, from, own]) => [device, layers.first + from, own] as const);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const stages = runs.map((run) => prompt(...run));
  return sum(runs.map((run) => token(...run))) + (pipelined ? Math.max(...stages) : sum(stages));
}
