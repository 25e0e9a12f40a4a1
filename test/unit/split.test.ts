import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evenestSplit, hasSplitThatFits, tensorSplitOf } from "../../plan/placement/even-split.ts";
import { llamaLayerDevices } from "../support/llama-mapping.ts";

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Layers of different sizes, devices of different capacities, an output layer on the last. */
const problems = fc
  .record({
    layerBytes: fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 12 }),
    capacities: fc.array(fc.integer({ min: 100, max: 5000 }), { minLength: 1, maxLength: 5 }),
    outputBytes: fc.integer({ min: 0, max: 2000 }),
  })
  .filter(({ layerBytes, capacities }) => layerBytes.length >= capacities.length);

type Problem = typeof problems extends fc.Arbitrary<infer P> ? P : never;

function neededBy({ layerBytes, capacities, outputBytes }: Problem) {
  return (device: number, first: number, count: number) =>
    sum(layerBytes.slice(first, first + count)) + (device === capacities.length - 1 ? outputBytes : 0);
}

function shares(problem: Problem, counts: readonly number[]): number[] {
  const needed = neededBy(problem);
  return counts.map(
    (count, device) => needed(device, sum(counts.slice(0, device)), count) / (problem.capacities[device] ?? 1),
  );
}

/** Every way to give all layers to the devices, each at least one. */
function everySplit(layers: number, devices: number): number[][] {
  if (devices === 1) return layers > 0 ? [[layers]] : [];
  return Array.from({ length: layers }, (_, index) => index + 1).flatMap((own) =>
    everySplit(layers - own, devices - 1).map((rest) => [own, ...rest]),
  );
}

const split = (problem: Problem) =>
  evenestSplit({ first: 0, count: problem.layerBytes.length }, problem.capacities, neededBy(problem));

describe("the split of layers over devices", () => {
  test("loses no layer, doubles none, and leaves no device without one", () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const counts = split(problem)?.counts ?? [];
        expect(sum(counts)).toBe(problem.layerBytes.length);
        expect(counts).toHaveLength(problem.capacities.length);
        expect(Math.min(...counts)).toBeGreaterThanOrEqual(1);
      }),
    );
  });

  test("is found to exist, without making it, exactly where the best one fits", () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const layers = { first: 0, count: problem.layerBytes.length };
        const found = split(problem);
        expect(hasSplitThatFits(layers, problem.capacities, neededBy(problem))).toBe((found?.fullest ?? 2) <= 1);
      }),
    );
  });

  test("leaves the fullest device as empty as the best of all splits does", () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const all = everySplit(problem.layerBytes.length, problem.capacities.length);
        const best = Math.min(...all.map((counts) => Math.max(...shares(problem, counts))));
        const found = split(problem);
        expect(found?.fullest).toBeCloseTo(best, 12);
        expect(Math.max(...shares(problem, found?.counts ?? []))).toBeCloseTo(best, 12);
      }),
      { numRuns: 60 },
    );
  });

  test("never stops fitting because a device got more memory", () => {
    fc.assert(
      fc.property(problems, fc.nat(4), fc.integer({ min: 1, max: 5000 }), (problem, which, more) => {
        const before = split(problem)?.fullest ?? 0;
        const capacities = problem.capacities.map((capacity, device) =>
          device === which % problem.capacities.length ? capacity + more : capacity,
        );
        expect(split({ ...problem, capacities })?.fullest).toBeLessThanOrEqual(before + 1e-12);
      }),
    );
  });

  test("gives equal devices equal layers where the output layer weighs nothing", () => {
    const problem = {
      layerBytes: Array.from({ length: 32 }, () => 10),
      capacities: [500, 500, 500, 500],
      outputBytes: 0,
    };
    expect(split(problem)?.counts).toEqual([8, 8, 8, 8]);
  });

  test("gives a device with three times the memory three times the layers", () => {
    const problem = { layerBytes: Array.from({ length: 32 }, () => 10), capacities: [3000, 1000], outputBytes: 0 };
    expect(split(problem)?.counts).toEqual([24, 8]);
  });

  test("can't be made with fewer layers than devices", () => {
    expect(split({ layerBytes: [1, 1], capacities: [9, 9, 9], outputBytes: 0 })).toBeNull();
    expect(evenestSplit({ first: 0, count: 4 }, [], () => 1)).toBeNull();
  });
});

describe("--tensor-split", () => {
  const counts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 15 });

  test("makes llama.cpp put exactly the planned layers on each device, its own rounding included", () => {
    fc.assert(
      fc.property(counts, fc.nat(40), (own, frontLayers) => {
        const layers = frontLayers + sum(own);
        const planned = [
          ...Array.from({ length: frontLayers }, () => -1),
          ...own.flatMap((count, device) => Array.from({ length: count }, () => device)),
          own.length - 1,
        ];
        expect(llamaLayerDevices(layers, layers + 1 - frontLayers, tensorSplitOf(own))).toEqual(planned);
      }),
      { numRuns: 500 },
    );
  });

  test("leaves nothing for a device of the front that llama.cpp lists last", () => {
    expect(llamaLayerDevices(30, 31, [...tensorSplitOf([19, 11]), 0])).not.toContain(2);
  });

  test("of equal numbers is what was measured: 16 and 14 layers of 30, the output on the second device", () => {
    const devices = llamaLayerDevices(30, 99, [1, 1]);
    expect(devices.filter((device) => device === 0)).toHaveLength(16);
    expect(devices.slice(0, 30).filter((device) => device === 1)).toHaveLength(14);
    expect(devices[30]).toBe(1);
  });
});
