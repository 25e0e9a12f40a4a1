/**
 * Measures the time to split a model: `plan/placement/fast-split.ts` compared with `plan/placement/even-split.ts`, both
 * with the real memory and work models.
 */

import { parseCluster } from "../config/parse.ts";
import { findMachineType } from "../plan/catalog/index.ts";
import { resolve } from "../plan/hosts/resolve.ts";
import { memoryModel } from "../plan/memory/devices.ts";
import type { ModelFacts } from "../plan/model/facts.ts";
import { evenestSplit } from "../plan/placement/even-split.ts";
import { type FastSplitProblem, fastestSplit } from "../plan/placement/fast-split.ts";
import { type DeviceSpeed, deviceSpeed, linkBetween } from "../plan/speed/rates.ts";
import { sumOf, workModel } from "../plan/speed/work.ts";
import { median, writeSection } from "./results.ts";
import { configurationWith } from "./support/configurations.ts";
import { modelFacts } from "./support/models.ts";

const DEVICES = [2, 4, 8, 16];
const LAYERS = [32, 80, 126, 160];
const REPEATS = 9;
const MACHINE = "c8g.16xlarge";
/** Memory of a device over the bytes of its part of the model: a usual choice of machines. */
const SPARE = 1.6;
/** Tokens of a prompt that are read for each token of an answer. */
const PROMPT_TOKENS = 4;

const { settings } = resolve(parseCluster(configurationWith({ "model.contextTokens": 8192 })));

/** A model with layers like those of a 70B model. */
function model(layers: number): ModelFacts {
  return modelFacts({
    layers,
    embeddingLength: 8192,
    heads: 64,
    keyValueHeads: 8,
    headLength: 128,
    feedForwardLength: 28_672,
    vocabularyTokens: 128_256,
  });
}

/** A problem like the planner's, with empty tables. */
function problemOf(facts: ModelFacts, devices: number, alike: boolean, pipelined: boolean): FastSplitProblem {
  const memory = memoryModel(facts, settings);
  const work = workModel(facts, settings, memory, 0.5);
  const type = findMachineType(MACHINE);
  if (type === undefined) throw new Error(`${MACHINE} is not in the catalog: name another machine in bench/split.ts`);
  const base = deviceSpeed(type, linkBetween(type, type), "cpu");
  /** A factor from 1 to nearly 2, in no order over the devices. */
  const factor = (device: number, step: number) => (alike ? 1 : 1 + ((device * step) % devices) / devices);
  const speeds: DeviceSpeed[] = Array.from({ length: devices }, (_, device) => ({
    ...base,
    bytesPerSecond: base.bytesPerSecond * factor(device, 7),
    flopsPerSecond: base.flopsPerSecond * factor(device, 5),
  }));
  const holdsOutput = (device: number) => device === devices - 1;
  const needed = (device: number, first: number, count: number) =>
    memory.backend("cpu", 0, { first, count, holdsOutput: holdsOutput(device), followsFront: false }, pipelined)
      .totalBytes;
  const own = Math.ceil(facts.layers / devices);
  const mean = SPARE * needed(devices - 1, facts.layers - own, own);
  const speedOf = (device: number) => speeds[device] ?? base;
  return {
    layers: { first: 0, count: facts.layers },
    devices: speeds.map((_, device) => ({
      capacityBytes: mean * factor(device, 3),
      memoryKind: 0,
      speedKind: alike ? 0 : device,
    })),
    needed,
    token: (device, first, count) =>
      sumOf(work.token(speedOf(device), { first, count, holdsOutput: holdsOutput(device) })),
    prompt: (device, first, count) => {
      const run = { first, count, holdsOutput: holdsOutput(device) };
      const tokens = settings.microBatchTokens;
      return (PROMPT_TOKENS / tokens) * sumOf(work.microBatch(speedOf(device), run, tokens));
    },
    pipelined,
  };
}

function millisecondsOf(work: () => unknown): number {
  const began = performance.now();
  if (work() === null) throw new Error("Nothing fits, so there is nothing to measure: raise SPARE in bench/split.ts.");
  return performance.now() - began;
}

/** Medians of rounds in which both splits alternate. */
function measure(
  facts: ModelFacts,
  devices: number,
  alike: boolean,
  pipelined: boolean,
): { fast: number; ratio: number } {
  const fast: number[] = [];
  const even: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    // New models each time, because they cache their answers.
    const own = problemOf(facts, devices, alike, pipelined);
    const baseline = problemOf(facts, devices, alike, pipelined);
    const capacities = baseline.devices.map(({ capacityBytes }) => capacityBytes);
    fast.push(millisecondsOf(() => fastestSplit(own)));
    even.push(millisecondsOf(() => evenestSplit(baseline.layers, capacities, baseline.needed)));
  }
  return { fast: median(fast), ratio: median(fast) / median(even) };
}

function main(root: string): void {
  // A plan runs in a process that has not split anything yet.
  const coldProblem = problemOf(model(Math.max(...LAYERS)), Math.max(...DEVICES), false, true);
  const cold = millisecondsOf(() => fastestSplit(coldProblem));
  const rows: string[] = [];
  for (const devices of DEVICES) {
    for (const layers of LAYERS) {
      const facts = model(layers);
      const cells = [true, false].flatMap((alike) =>
        [false, true].map((pipelined) => {
          const { fast, ratio } = measure(facts, devices, alike, pipelined);
          return `${fast.toFixed(1)} (${ratio.toFixed(2)})`;
        }),
      );
      rows.push(`| ${devices} | ${layers} | ${cells.join(" | ")} |`);
      console.log(rows.at(-1));
    }
  }
  const body = [
    `Milliseconds to split a model with layers of a 70B model, memory and work models asked as a plan asks them; medians of ${REPEATS}`,
    "rounds, in brackets the ratio to the even split by memory (`plan/placement/even-split.ts`) in the same rounds. A device",
    `has ${SPARE} times the memory that its part needs, or more. Overlapping: prompts pass through the devices in a pipeline.`,
    "",
    "| devices | layers | equal | equal, overlapping | all different | all different, overlapping |",
    "|---|---|---|---|---|---|",
    ...rows,
    "",
    `The very first split of a program, ${Math.max(...DEVICES)} different devices and ${Math.max(...LAYERS)} layers, overlapping: ${cold.toFixed(0)} ms.`,
  ].join("\n");
  writeSection(root, "Split: growth with devices and layers", "node bench/split.ts", body);
}

main(process.cwd());
