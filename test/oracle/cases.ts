/** What the oracle measures: every model in every setting. */

import { configurationWith } from "../../bench/support/configurations.ts";
import { PUBLISHED } from "../../bench/support/published-cluster.ts";
import { parseCluster } from "../../config/parse.ts";
import { type RunSettings, runSettings } from "../../plan/memory/settings.ts";

/** One way to run a model. */
export interface Setting {
  name: string;
  /** Values of the stack file. */
  values: Readonly<Record<string, unknown>>;
  /** Shares of the devices, in order; the layers follow from them. */
  shares: readonly number[];
  /** What the stack file can't say: the plan takes the whole context for a micro batch if there are embeddings. */
  batch?: Pick<RunSettings, "batchTokens" | "microBatchTokens">;
  /** Whether the slots share one KV cache. */
  isCacheShared?: boolean;
  /** Layers that the front keeps. */
  frontLayers?: number;
}

/** Contexts, cache types, batches, slots and splits over one to four devices. */
export const settings: readonly Setting[] = [
  { name: "two even devices", values: { "model.contextTokens": 2048 }, shares: [1, 1] },
  {
    name: "one device with four slots",
    values: { "model.contextTokens": 8192, "model.parallelSlots": 4 },
    shares: [1],
  },
  {
    name: "three devices, cache in q8_0",
    values: { "model.contextTokens": 8192, "model.kvCacheType": "q8_0", "model.microBatchTokens": 256 },
    shares: [1, 1, 1],
  },
  {
    name: "no flash attention",
    values: { "model.contextTokens": 2048, "model.flashAttention": "off", "model.microBatchTokens": 256 },
    shares: [1, 1],
  },
  {
    name: "four devices, long context in q4_0, small batches",
    values: {
      "model.contextTokens": 16384,
      "model.kvCacheType": "q4_0",
      "model.batchTokens": 512,
      "model.microBatchTokens": 128,
    },
    shares: [1, 1, 1, 1],
  },
  {
    name: "embeddings",
    values: { "model.contextTokens": 2048, "front.embeddings": true },
    batch: { batchTokens: 512, microBatchTokens: 512 },
    shares: [1, 1],
  },
  {
    name: "three slots that share a unified cache",
    values: { "model.contextTokens": 4096, "model.parallelSlots": 3 },
    shares: [1, 1],
    isCacheShared: true,
  },
  { name: "some layers on the front", values: { "model.contextTokens": 2048 }, shares: [1, 1], frontLayers: 3 },
  {
    name: "uneven devices, three slots of an odd context, odd batches",
    values: {
      "model.contextTokens": 5000,
      "model.parallelSlots": 3,
      "model.batchTokens": 1000,
      "model.microBatchTokens": 300,
    },
    shares: [3, 1],
  },
  {
    name: "one device, big micro batch",
    values: { "model.contextTokens": 4096, "model.microBatchTokens": 1024 },
    shares: [1],
  },
];

/** How the published cluster of `bench/support/published-cluster.ts` was run, with one layer on each machine. */
export const publishedSetting: Setting = {
  name: "the published cluster's settings",
  values: {
    "model.contextTokens": PUBLISHED.contextTokens,
    "model.batchTokens": PUBLISHED.batchTokens,
    "model.microBatchTokens": PUBLISHED.microBatchTokens,
    "model.flashAttention": "off",
  },
  shares: [1, 1],
  frontLayers: 1,
};

/** One setting in the planner's own numbers. */
export function runSettingsOf(setting: Setting): RunSettings {
  const config = parseCluster(configurationWith(setting.values));
  return { ...runSettings(config, { isCacheShared: setting.isCacheShared ?? false }), ...setting.batch };
}

/** Layers of each device for the shares, every device at least one. */
export function splitOf({ shares, frontLayers = 0 }: Setting, layers: number): number[] {
  const left = layers - frontLayers;
  const total = shares.reduce((sum, share) => sum + share, 0);
  let given = 0;
  return shares.map((share, device) => {
    const rest = shares.length - device - 1;
    const count =
      rest === 0 ? left - given : Math.max(1, Math.min(left - given - rest, Math.floor((left * share) / total)));
    given += count;
    return count;
  });
}

/** Arguments of `llama-server` for a setting, the model and the addresses left out. */
export function argumentsOf(setting: Setting, layers: number): string[] {
  const value = (key: string, otherwise: string) => String(setting.values[key] ?? otherwise);
  const counts = splitOf(setting, layers);
  const split = counts.map((count, device) => (device === counts.length - 1 ? count + 1 : count));
  const embeddings = setting.values["front.embeddings"] === true ? ["--embeddings", "--pooling", "mean"] : [];
  return [
    ...["-ngl", String(layers + 1 - (setting.frontLayers ?? 0)), "-sm", "layer", "-ts", split.join(",")],
    ...["-c", value("model.contextTokens", "4096"), "-np", value("model.parallelSlots", "1")],
    ...["-b", value("model.batchTokens", "2048"), "-ub", value("model.microBatchTokens", "512")],
    ...["-ctk", value("model.kvCacheType", "f16"), "-ctv", value("model.kvCacheType", "f16")],
    ...["-fa", value("model.flashAttention", "auto"), ...embeddings],
    ...(setting.isCacheShared === true ? ["--kv-unified"] : []),
    // Mapped files are counted from the first to the last tensor of the front, whatever lies between.
    ...(setting.frontLayers === undefined ? [] : ["--load-mode", "none"]),
  ];
}
