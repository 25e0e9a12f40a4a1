/** What was measured, and how the plan is held against it. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { smallModelFacts } from "../../bench/support/models.ts";
import { memoryModel } from "../../plan/memory/devices.ts";
import type { MemoryPlan } from "../../plan/memory/plan.ts";
import type { ModelFacts } from "../../plan/model/facts.ts";
import { publishedSetting, runSettingsOf, type Setting, settings, splitOf } from "./cases.ts";
import type { DeviceSizes, Sizes } from "./measure.ts";
import { factsOfModel, type MadeUpModel, madeUpModels, wideModel } from "./models.ts";

/** MiB of weights, cache and compute buffer: `[58.28, 21, 24.91]`. */
type GoldenDevice = readonly [weights: number, cache: number, compute: number];

/** Golden sizes by model and setting. */
export type Golden = Readonly<
  Record<string, Readonly<Record<string, { devices: readonly GoldenDevice[]; front: GoldenDevice }>>>
>;

/** File of the golden sizes. */
export const GOLDEN_FILE = join(import.meta.dirname, "golden", "measured.json");

export function readGolden(): Golden {
  return JSON.parse(readFileSync(GOLDEN_FILE, "utf8")) as Golden;
}

/** A model of the oracle. */
export interface OracleModel {
  name: string;
  layers: number;
  facts: ModelFacts;
  /** How it is written; null for a real one. */
  madeUp: MadeUpModel | null;
  /** Its file's name. */
  fileName: string;
  /** Settings in which it is measured. */
  settings: readonly Setting[];
}

const real = (name: string, facts: ModelFacts): OracleModel => {
  return { name, layers: facts.layers, facts, madeUp: null, fileName: facts.fileName, settings };
};

/** Facts of the second real model, kept so that no download is needed. */
function gemmaFacts(): ModelFacts {
  return JSON.parse(readFileSync(join(import.meta.dirname, "golden", "gemma-3-270m-facts.json"), "utf8")) as ModelFacts;
}

function madeUp(model: MadeUpModel, measuredIn: readonly Setting[]): OracleModel {
  const { name, layers } = model;
  return { name, layers, facts: factsOfModel(model), madeUp: model, fileName: `${name}.gguf`, settings: measuredIn };
}

/** Every model of the oracle, the made-up ones first. */
export function oracleModels(): OracleModel[] {
  return [
    ...madeUpModels.map((model) => madeUp(model, settings)),
    real("SmolLM2-135M", smallModelFacts()),
    real("gemma-3-270m", gemmaFacts()),
    madeUp(wideModel(), [publishedSetting]),
  ];
}

/** One model in one setting. */
export interface OracleCase {
  model: OracleModel;
  setting: Setting;
}

/** Every case, setting by setting. */
export function oracleCases(): OracleCase[] {
  const models = oracleModels();
  return [...settings, publishedSetting].flatMap((setting) =>
    models.filter((model) => model.settings.includes(setting)).map((model) => ({ model, setting })),
  );
}

/** What the plan says for each device, and for the front last. */
export function plannedMemory({ model, setting }: OracleCase): MemoryPlan[] {
  const memory = memoryModel(model.facts, runSettingsOf(setting));
  const frontLayers = setting.frontLayers ?? 0;
  const counts = splitOf(setting, model.layers);
  const pipelined = counts.length > 1 && frontLayers === 0;
  let first = frontLayers;
  const devices = counts.map((count, device) => {
    const layers = {
      first,
      count,
      holdsOutput: device === counts.length - 1,
      followsFront: device === 0 && frontLayers > 0,
    };
    first += count;
    return memory.backend("cpu", 0, layers, pipelined);
  });
  return [...devices, memory.front(0, frontLayers, pipelined)];
}

const MIB = 1024 ** 2;
/** The log has two digits. */
const DIGIT_MIB = 0.01;

/** How a device's plan strays from what llama.cpp reported: one line for each rule that it breaks. */
export function strayings(plan: MemoryPlan, [weights, cache, compute]: GoldenDevice): string[] {
  const [plannedWeights, plannedCache, plannedCompute] = [
    plan.weightsBytes / MIB,
    plan.kvCacheBytes / MIB,
    plan.computeBytes / MIB,
  ];
  const total = weights + cache + compute;
  const over = plannedWeights + plannedCache + plannedCompute - total;
  const rule = (holds: boolean, what: string, planned: number, measured: number) =>
    holds ? [] : [`${what}: ${planned.toFixed(2)} MiB planned, ${measured.toFixed(2)} MiB measured`];
  return [
    ...rule(Math.abs(plannedWeights - weights) <= DIGIT_MIB, "weights are exact", plannedWeights, weights),
    // Two caches on one device are two lines of the log, each rounded.
    ...rule(Math.abs(plannedCache - cache) <= 2 * DIGIT_MIB, "the cache is exact", plannedCache, cache),
    ...rule(plannedCompute <= compute * 1.1, "a compute buffer is within 10 %", plannedCompute, compute),
    ...rule(plannedCompute >= compute - DIGIT_MIB, "a compute buffer is never too low", plannedCompute, compute),
    ...rule(over >= -2 * DIGIT_MIB, "a device is never too low", over + total, total),
    ...rule(over <= Math.max(0.08 * total, 64), "a device is at most 8 % or 64 MiB too high", over + total, total),
  ];
}

/** Sizes as the golden table writes them. */
export function goldenOf({ devices, front }: Sizes): { devices: GoldenDevice[]; front: GoldenDevice } {
  const line = ({ weights, cache, compute }: DeviceSizes): GoldenDevice => [weights, cache, compute];
  return { devices: devices.map(line), front: line(front) };
}
