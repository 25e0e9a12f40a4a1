/**
 * The split for speed: layers to devices of different speed such that everything fits and a token takes the least time.
 *
 * Where splits take nearly the same time, the one that fills the devices evenly comes out: the mean of the squared fill,
 * weighted by capacity, costs as much as 0.1 % of the least possible time if every device is full. So evenness never
 * costs more than that 0.1 %, and equally fast devices, between which every split takes the same time, share equally. What
 * fits is decided by the bytes needed; for the fill, what each layer adds to them is near enough.
 */

import { at, memoize } from "../../config/collections.ts";
import type { NeededBytes } from "./even-split.ts";

/** Seconds that a device takes for `count` layers from `first` on. More layers never take less. */
export type TakenSeconds = (device: number, first: number, count: number) => number;

/**
 * One device. Devices of the same kinds and capacity are asked about once: they must answer the same for the same layers. What only the
 * first device or the last one has (what the front hands over, the output layer) makes no kind of its own.
 */
export interface FastDevice {
  capacityBytes: number;
  /** Number of the devices that need the same bytes. */
  memoryKind: number;
  /** Number of the devices that take the same seconds. */
  speedKind: number;
}

/** What is to be split, on what, and what it takes. */
export interface FastSplitProblem {
  layers: { first: number; count: number };
  devices: readonly FastDevice[];
  needed: NeededBytes;
  /** For one token of an answer: a token passes through all devices, so their times add up. */
  token: TakenSeconds;
  /** For the prompt that is read for one token of an answer, in the same unit. */
  prompt: TakenSeconds;
  /** Whether prompts overlap on the devices: then the slowest device's time counts, else the sum. */
  pipelined: boolean;
}

/** Layers of each device and the time of a token of an answer with its share of the prompt. */
export interface FastSplit {
  counts: number[];
  seconds: number;
}

/** Part of the least possible time that evenness may cost. */
export const EVENNESS_SHARE = 0.001;
/** Stages closer together than this part are taken for equal: they differ by rounding. */
const ROUNDING = 1e-9;
/** Limits that are tried before every one that could matter is: more than a few gain nothing. */
const STEPS = 4;
/** Also what an index out of bounds reads in the inner loops, for which `at` takes too long: nothing fits there. */
const NEVER = Number.POSITIVE_INFINITY;
const UNASKED = -1;

/**
 * Finds the fastest split that fits, every device with at least one layer. Null if none fits.
 *
 * Without overlap one dynamic programme over devices finds it. With overlap the time is a sum and a greatest value: the
 * programme is asked again and again for the least sum in which no stage is as slow as the slowest of the last answer,
 * until no sum can make up for its slowest stage any more. So every split that could be best has been looked at.
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
 * The split with the least sum of its costs and its slowest stage.
 * @param leastStage no slowest stage is quicker
 */
function leastWithSlowest(tables: Tables, leastStage: number): number[] | undefined {
  const first = leastByTime(tables, "cost", NEVER);
  if (first === null) return undefined;
  let slowest = slowestStage(tables, first.counts);
  let best = { counts: first.counts, total: first.cost + slowest };
  const consider = ({ cost, counts }: Candidate, stage: number) => {
    if (cost + stage < best.total) best = { counts, total: cost + stage };
  };
  // First a few limits between both ends: a good split to compare with saves most of the questions after.
  for (let step = 0; step < STEPS; step++) {
    const limit = leastStage * (1 + ROUNDING) + ((slowest - leastStage) * step) / STEPS;
    const found = leastByTime(tables, "cost", limit);
    if (found !== null) consider(found, slowestStage(tables, found.counts));
  }
  const ahead = leastAhead(tables);
  let sum = first.cost;
  while (slowest > leastStage * (1 + ROUNDING)) {
    // No sum is below the last one, so the slowest stage of anything better is below what that leaves of the best.
    const limit = Math.min(slowest, best.total - sum) * (1 - ROUNDING);
    const found = leastByTime(tables, "cost", limit, { ahead, most: best.total - leastStage });
    if (found === null) break;
    slowest = slowestStage(tables, found.counts);
    consider(found, slowest);
    sum = found.cost;
  }
  return best.counts;
}

/** What runs of layers cost on devices of one kind, by first layer and number of layers: `[from * width + own]`. */
interface Runs {
  /** What adds up over the devices; infinite for a run that does not fit. */
  cost: Float64Array;
  /** What only the slowest device decides: the seconds of the prompt where prompts overlap, else nothing. */
  stage: Float64Array;
  /** Squared fill, weighted by the device's part of all capacity. */
  unevenness: Float64Array;
}

interface Tables {
  count: number;
  width: number;
  /** Of each device; equal devices have the same. */
  runs: Runs[];
}

/**
 * Asks for every run that a device could get. A run that begins with the first layer is always the first device's, one that
 * ends with the last layer always the last device's: therefore devices of one kind can share their tables.
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

/** What fits, found with few questions, for the memory model takes its time over each. */
interface Memory {
  /** Where the longest run of a device's that fits ends; before `begin` if none does. */
  lastThatFits(device: number, from: number, begin: number, end: number): number;
  /** About what a run needs: what each layer adds on the first device, and what the device needs besides. */
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

  // Nobody but the first device can have the first layer, so that what it adds may be counted with the device.
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
      // About one layer further than a layer earlier. What does not fit with some layers does not with more either.
      let to = Math.min(Math.max(at(lastEnds, device) + 1, begin), end);
      while (to >= begin && ask(device, from, to - from) > capacity) to--;
      if (to >= begin) while (to < end && ask(device, from, to + 1 - from) <= capacity) to++;
      lastEnds[device] = to;
      return to;
    },
    estimate: (device, from, to) => at(besides, device) + added(from, to),
  };
}

/** Where a device's layers can begin and end, if every device has at least one. */
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

/** What a split may cost in all, and the least that the devices from each on cost for the layers from each on. */
interface Budget {
  most: number;
  ahead: readonly Float64Array[];
}

/** Least sum of a split in which no stage is above a limit, or (`stage`) the least slowest stage of any split. */
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
        // What does not fit with these layers, or takes too long, does not with more either.
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

/** Walks back from the last device: how many layers each took on the way to the best end. */
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
