/** The time of a run of layers on a device, for one token and for one micro batch. Fast, because splits ask often. */

import { at } from "../../config/collections.ts";
import type { MemoryModel } from "../memory/devices.ts";
import { cacheCells } from "../memory/kv-cache.ts";
import type { RunSettings } from "../memory/settings.ts";
import type { ModelFacts } from "../model/facts.ts";
import { ggmlBytes } from "../model/ggml-types.ts";
import { CALL_SECONDS, type DeviceSpeed, ROUND_TRIPS_PER_TOKEN } from "./rates.ts";

const F32_BYTES = 4;

/** Consecutive layers of one device. */
export interface Run {
  first: number;
  count: number;
  holdsOutput: boolean;
}

/** Seconds of one device, by their cause. */
export interface Seconds {
  /** Reading weights and KV cache. */
  memory: number;
  /** Multiplying: only the seconds by which it takes longer than reading. */
  compute: number;
  /** Waiting for and sending over the network. */
  network: number;
  /** Starting kernels, handling messages. */
  overhead: number;
}

/** The times of one model under one configuration. */
export interface WorkModel {
  /** Seconds for one token of an answer while an average part of the slot's context is filled. */
  token(speed: DeviceSpeed, run: Run): Seconds;
  /** Seconds for one micro batch of `tokens` tokens of a prompt. */
  microBatch(speed: DeviceSpeed, run: Run, tokens: number): Seconds;
}

/**
 * @param memory knows the size of the KV cache
 * @param filled average part of a slot's context that is filled when an answer is generated, from 0 to 1
 */
export function workModel(facts: ModelFacts, settings: RunSettings, memory: MemoryModel, filled: number): WorkModel {
  const { weights, experts } = facts;
  const expertShare = experts === null ? 1 : experts.used / experts.count;
  const layers = weights.layerBytes.map((_, layer) => layer);
  const cacheBytes = (layer: number) =>
    memory.backend("cpu", 0, { first: layer, count: 1, holdsOutput: false }, false).kvCacheBytes;
  const expertBytes = (layer: number) => at(weights.layerExpertBytes, layer);
  const sums = {
    dense: runningSums(layers.map((layer) => at(weights.layerBytes, layer) - expertBytes(layer))),
    expert: runningSums(layers.map(expertBytes)),
    cache: runningSums(layers.map((layer) => (cacheBytes(layer) / settings.slots) * filled)),
    attention: runningSums(layers.map((layer) => attentionFlops(facts, settings, layer) * filled)),
  };
  const within = (values: readonly number[], { first, count }: Run) => at(values, first + count) - at(values, first);
  const output = ({ holdsOutput }: Run) => (holdsOutput ? weights.outputBytes : 0);
  const valuesPerByte = 1024 / (ggmlBytes(weights.mainType, 1024) ?? 1024);
  const rowBytes = facts.embeddingLength * F32_BYTES;
  const logitBytes = facts.vocabularyTokens * F32_BYTES;

  const overNetwork = ({ link }: DeviceSpeed, bytes: number) =>
    link === null ? 0 : ROUND_TRIPS_PER_TOKEN * link.roundTripSeconds + bytes / link.bytesPerSecond;
  const overhead = ({ link, layerSeconds }: DeviceSpeed, { count }: Run) =>
    layerSeconds * count + (link === null ? 0 : CALL_SECONDS);
  const flops = (bytes: number) => 2 * bytes * valuesPerByte;

  return {
    token(speed, run) {
      const read = within(sums.dense, run) + within(sums.expert, run) * expertShare + output(run);
      const memorySeconds = (read + within(sums.cache, run)) / speed.bytesPerSecond;
      return {
        memory: memorySeconds,
        compute: Math.max(0, flops(read) / speed.flopsPerSecond - memorySeconds),
        // One row goes in and one comes out; the last device returns the logits instead.
        network: overNetwork(speed, rowBytes + (run.holdsOutput ? logitBytes : rowBytes)),
        overhead: overhead(speed, run),
      };
    },
    microBatch(speed, run, tokens) {
      // Each token chooses its own experts, so a few tokens together choose nearly all experts.
      const touched = 1 - (1 - expertShare) ** tokens;
      const read = within(sums.dense, run) + within(sums.expert, run) * touched;
      const memorySeconds = (read + output(run) + within(sums.cache, run)) / speed.bytesPerSecond;
      const multiplied = flops(within(sums.dense, run) + within(sums.expert, run) * expertShare);
      const computed = tokens * (multiplied + within(sums.attention, run)) + flops(output(run));
      const computeSeconds = computed / speed.flopsPerSecond;
      return {
        memory: memorySeconds,
        compute: Math.max(0, computeSeconds - memorySeconds),
        network: overNetwork(speed, tokens * rowBytes + (run.holdsOutput ? logitBytes : tokens * rowBytes)),
        overhead: overhead(speed, run),
      };
    },
  };
}

/** The sum of all parts, in seconds. */
export function sumOf({ memory, compute, network, overhead }: Seconds): number {
  return memory + compute + network + overhead;
}

/** Operations of one token's attention in a layer with a full cache: the scores of each head, and the weighted values. */
function attentionFlops(facts: ModelFacts, settings: RunSettings, layer: number): number {
  const widths = at(facts.keyLengths, layer) + at(facts.valueLengths, layer);
  return 2 * at(facts.heads, layer) * widths * cacheCells(facts, layer, settings);
}

function runningSums(values: readonly number[]): number[] {
  const sums = [0];
  for (const value of values) sums.push(at(sums, -1) + value);
  return sums;
}
