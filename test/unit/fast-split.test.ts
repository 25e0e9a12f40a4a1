import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findMachineType } from "../../plan/catalog/index.ts";
import { EVENNESS_SHARE, type FastSplitProblem, fastestSplit } from "../../plan/placement/fast-split.ts";
import { deviceSpeed, linkBetween } from "../../plan/speed/rates.ts";

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
/** Least of few or no values. */
const leastOf = (values: readonly number[]) => Math.min(...values, Number.POSITIVE_INFINITY);

const MAX_DEVICES = 5;

/** Layers of different sizes; devices that share kinds of memory and of speed or not; an output layer on the last. */
const problems = fc
  .record({
    layerBytes: fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 12 }),
    devices: fc.array(
      fc.record({
        capacityBytes: fc.oneof(fc.constantFrom(1500, 3000), fc.integer({ min: 500, max: 6000 })),
        memoryKind: fc.nat(1),
        speedKind: fc.nat(2),
      }),
      { minLength: 1, maxLength: MAX_DEVICES },
    ),
    programBytes: fc.tuple(fc.nat(300), fc.nat(300)),
    speeds: fc.array(
      fc.record({
        tokenRate: fc.integer({ min: 1, max: 50 }),
        promptRate: fc.integer({ min: 1, max: 50 }),
        wait: fc.integer({ min: 0, max: 200 }),
      }),
      { minLength: 3, maxLength: 3 },
    ),
    outputBytes: fc.integer({ min: 0, max: 500 }),
    handedBytes: fc.integer({ min: 0, max: 200 }),
    first: fc.nat(3),
    promptShare: fc.integer({ min: 0, max: 8 }),
    pipelined: fc.boolean(),
  })
  .filter(({ layerBytes, devices }) => layerBytes.length >= devices.length)
  .map((shape): FastSplitProblem => {
    const { layerBytes, devices, programBytes, speeds, outputBytes, handedBytes, first, promptShare, pipelined } =
      shape;
    const weights = (device: number, from: number, count: number) =>
      sum(layerBytes.slice(from - first, from - first + count)) + (device === devices.length - 1 ? outputBytes : 0);
    const speedOf = (device: number) => speeds[devices[device]?.speedKind ?? 0];
    return {
      layers: { first, count: layerBytes.length },
      devices,
      needed: (device, from, count) =>
        weights(device, from, count) +
        (programBytes[devices[device]?.memoryKind ?? 0] ?? 0) +
        (device === 0 ? handedBytes : 0),
      token: (device, from, count) =>
        weights(device, from, count) / (speedOf(device)?.tokenRate ?? 1) + (speedOf(device)?.wait ?? 0),
      prompt: (device, from, count) =>
        (promptShare * weights(device, from, count)) / (speedOf(device)?.promptRate ?? 1),
      pipelined,
    };
  });

/** Every way to give all layers to the devices, each at least one. */
function everySplit(layers: number, devices: number): number[][] {
  if (devices === 1) return layers > 0 ? [[layers]] : [];
  return Array.from({ length: layers }, (_, index) => index + 1).flatMap((own) =>
    everySplit(layers - own, devices - 1).map((rest) => [own, ...rest]),
  );
}

/** What a split takes, by the words of the problem; null if it does not fit. */
function measured({ layers, devices, needed, token, prompt, pipelined }: FastSplitProblem, counts: readonly number[]) {
  const runs = counts.map((own, device) => [device, layers.first + sum(counts.slice(0, device)), own] as const);
  const capacity = (device: number) => devices[device]?.capacityBytes ?? 0;
  if (runs.some((run) => needed(...run) > capacity(run[0]))) return null;
  const stages = runs.map((run) => prompt(...run));
  const stage = pipelined ? Math.max(...stages) : 0;
  const total = sum(runs.map((run) => token(...run))) + (pipelined ? 0 : sum(stages));
  const fills = runs.map((run) => needed(...run) / capacity(run[0]));
  const allBytes = sum(devices.map(({ capacityBytes }) => capacityBytes));
  const unevenness = sum(fills.map((fill, device) => (fill ** 2 * capacity(device)) / allBytes));
  return { total, stage, seconds: total + stage, unevenness };
}

/** The least of all splits that fit, by time and by time with what unevenness costs. */
function bruteForce(problem: FastSplitProblem) {
  const all = everySplit(problem.layers.count, problem.devices.length).flatMap(
    (counts) => measured(problem, counts) ?? [],
  );
  const weight = EVENNESS_SHARE * (leastOf(all.map(({ total }) => total)) + leastOf(all.map(({ stage }) => stage)));
  const cost = ({ seconds, unevenness }: { seconds: number; unevenness: number }) => seconds + weight * unevenness;
  return { seconds: leastOf(all.map(({ seconds }) => seconds)), least: leastOf(all.map(cost)), cost };
}

/** Devices of given rates with layers that all weigh the same. */
function uniform(rates: readonly number[], capacityBytes: number, layers: number, pipelined: boolean) {
  return {
    layers: { first: 0, count: layers },
    devices: rates.map((rate) => ({ capacityBytes, memoryKind: 0, speedKind: rates.indexOf(rate) })),
    needed: (_: number, __: number, count: number) => count,
    token: (device: number, _: number, count: number) => count / (rates[device] ?? 1),
    prompt: (device: number, _: number, count: number) => count / (rates[device] ?? 1) / 2,
    pipelined,
  };
}

describe("the split for speed", () => {
  test("is the fastest of all splits that fit, unevenness counted, or says that none fits", () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const best = bruteForce(problem);
        const found = fastestSplit(problem);
        if (found === null) {
          expect(best.seconds, "there is a split that fits").toBe(Number.POSITIVE_INFINITY);
          return;
        }
        const split = measured(problem, found.counts);
        if (split === null) throw new Error(`${found.counts.join()} does not fit`);
        expect(sum(found.counts)).toBe(problem.layers.count);
        expect(Math.min(...found.counts)).toBeGreaterThanOrEqual(1);
        expect(found.counts).toHaveLength(problem.devices.length);
        expect(best.cost(split) / best.least).toBeCloseTo(1, 8);
        expect(found.seconds / split.seconds).toBeCloseTo(1, 12);
      }),
      { numRuns: 800 },
    );
  });

  test("gives up at most a thousandth of the speed for evenness", () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const found = fastestSplit(problem);
        fc.pre(found !== null);
        expect(found?.seconds).toBeLessThanOrEqual(bruteForce(problem).seconds * (1 + EVENNESS_SHARE));
      }),
      { numRuns: 100 },
    );
  });

  test("gets slower by no more than that because a device got more memory", () => {
    fc.assert(
      fc.property(problems, fc.nat(MAX_DEVICES - 1), fc.integer({ min: 1, max: 4000 }), (problem, which, more) => {
        const before = fastestSplit(problem)?.seconds ?? Number.POSITIVE_INFINITY;
        const devices = problem.devices.map((device, index) =>
          index === which % problem.devices.length ? { ...device, capacityBytes: device.capacityBytes + more } : device,
        );
        const after = fastestSplit({ ...problem, devices })?.seconds ?? Number.POSITIVE_INFINITY;
        expect(after).toBeLessThanOrEqual(before * (1 + EVENNESS_SHARE));
      }),
    );
  });

  test("is the same whether equal devices are known to be equal or not", () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const devices = problem.devices.map((device, index) => ({ ...device, memoryKind: index, speedKind: index }));
        expect(fastestSplit({ ...problem, devices })).toEqual(fastestSplit(problem));
      }),
    );
  });

  test("asks once for devices of one kind", () => {
    const asked = new Set<string>();
    const problem = uniform([5, 5, 5, 5, 5], 40, 40, true);
    const once =
      (name: string, answer: FastSplitProblem["needed"]) => (device: number, first: number, count: number) => {
        const question = `${name} ${first} ${count}`;
        expect(asked, "asked again").not.toContain(question);
        asked.add(question);
        return answer(device, first, count);
      };
    // The time of the split that is answered is asked for again at the end, and may be.
    fastestSplit({ ...problem, needed: once("needed", problem.needed) });
    expect(asked.size).toBeGreaterThan(0);
  });

  test("fills the fast device and leaves the slow one a single layer, where prompts do not overlap", () => {
    expect(fastestSplit(uniform([10, 1], 40, 32, false))?.counts).toEqual([31, 1]);
    expect(fastestSplit(uniform([10, 1], 20, 32, false))?.counts).toEqual([20, 12]);
  });

  test("gives devices that are equally fast equal layers, whether prompts overlap or not", () => {
    for (const pipelined of [false, true]) {
      expect(fastestSplit(uniform([5, 5, 5, 5], 40, 32, pipelined))?.counts).toEqual([8, 8, 8, 8]);
    }
  });

  test("shares evenly within each pool, where a pool's devices are equally fast", () => {
    expect(fastestSplit(uniform([9, 9, 9, 1, 1], 10, 34, false))?.counts).toEqual([10, 10, 10, 2, 2]);
    expect(fastestSplit(uniform([1, 1, 9, 9, 9], 20, 32, false))?.counts).toEqual([1, 1, 10, 10, 10]);
  });

  test("fills equally fast devices in proportion to their memory", () => {
    const problem = uniform([5, 5], 40, 32, false);
    const devices = [30, 10].map((capacityBytes) => ({ capacityBytes, memoryKind: 0, speedKind: 0 }));
    expect(fastestSplit({ ...problem, devices })?.counts).toEqual([24, 8]);
  });

  test("gives the last of equally fast devices fewer layers, for it holds the output layer", () => {
    const problem = uniform([5, 5], 40, 32, false);
    const needed = (device: number, _: number, count: number) => count + (device === 1 ? 4 : 0);
    expect(fastestSplit({ ...problem, needed })?.counts).toEqual([18, 14]);
  });

  test("gives an L40S all that it can hold, and an L4 beside it the rest", () => {
    const rates = ["g6.xlarge", "g6e.xlarge"].map((name) => {
      const type = findMachineType(name);
      if (type === undefined) throw new Error(`${name} is not in the catalog: add its row`);
      return deviceSpeed(type, linkBetween(type, type), "cuda").bytesPerSecond;
    });
    expect(fastestSplit(uniform(rates, 60, 80, true))?.counts).toEqual([20, 60]);
  });

  test("can't be made with fewer layers than devices, without devices, or where nothing fits", () => {
    expect(fastestSplit(uniform([1, 1, 1], 9, 2, false))).toBeNull();
    expect(fastestSplit(uniform([], 9, 2, true))).toBeNull();
    for (const pipelined of [false, true]) expect(fastestSplit(uniform([1, 1, 1], 9, 28, pipelined))).toBeNull();
    expect(fastestSplit(uniform([1, 1, 1], 9, 27, true))?.counts).toEqual([9, 9, 9]);
  });
});
