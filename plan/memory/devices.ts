/** Bytes that one device needs for its layers, by part. */

import { at, memoize, memoizeObject } from "../../config/collections.ts";
import { MIB } from "../../config/units.ts";
import type { Flavour } from "../../config/words.ts";
import type { ModelFacts } from "../model/facts.ts";
import { computeModel, type DeviceLayers } from "./compute.ts";
import { kvCacheLayerBytes } from "./kv-cache.ts";
import type { MemoryPlan } from "./plan.ts";
import type { RunSettings } from "./settings.ts";
import { workBufferBytes } from "./work-buffer.ts";

/**
 * Memory of `ggml-rpc-server` itself: code, libraries, threads, and with CUDA the context and the kernels' workspace.
 * Measured on a CPU at the pinned commit (`/proc/<pid>/status`): 6 MiB before a client connects, 5 of them files. After a
 * prompt of 1500 tokens with SmolLM2 the total was 86.7 and 107.1 MiB with buffers of 82.7 and 104.2. CUDA: not measured.
 */
const BACKEND_PROGRAM_BYTES: Readonly<Record<Flavour, number>> = { cpu: 48 * MIB, cuda: 512 * MIB };
/**
 * Memory of `llama-server` itself: code, libraries, HTTP threads. Measured with the vocabulary and without the mapped
 * weights, after the first answer: 46 MiB for SmolLM2 with buffers of 13.9, 90 MiB for Gemma 3 270M with 19.3. While it
 * loads and holds one tensor: 50 and 224 MiB without files, of which the tensor takes 28.7 and 170.
 */
const FRONT_PROGRAM_BYTES = 128 * MIB;
/**
 * Bytes of the vocabulary in memory per byte in the file: strings, hash maps, merge ranks. Measured between the two
 * models, whose headers are 1.7 and 6.2 MiB long: 33 MiB more while loading (7.2 times), 39 MiB more after an answer
 * (8.6 times, because the sampler keeps values for each token). `FRONT_PROGRAM_BYTES` has the margin.
 */
const VOCABULARY_FACTOR = 8;

/** The memory that any run of layers needs on a device. The sums are prepared once, because a split asks often. */
export interface MemoryModel {
  backend(flavour: Flavour, capacityBytes: number, layers: DeviceLayers, pipelined: boolean): MemoryPlan;
  front(capacityBytes: number, layers: number, pipelined: boolean): MemoryPlan;
}

/** A search over machines asks about the same model many times. */
const modelsOf = memoizeObject((facts: ModelFacts) =>
  memoize(
    (settings: RunSettings) => newMemoryModel(facts, settings),
    (settings) => JSON.stringify(settings),
  ),
);

/** The memory model of a model under these settings. */
export function memoryModel(facts: ModelFacts, settings: RunSettings): MemoryModel {
  return modelsOf(facts)(settings);
}

function newMemoryModel(facts: ModelFacts, settings: RunSettings): MemoryModel {
  const { weights } = facts;
  const compute = computeModel(facts, settings);
  const weightSums = runningSums(weights.layerBytes);
  const cacheSums = runningSums(weights.layerBytes.map((_, layer) => kvCacheLayerBytes(facts, layer, settings)));
  const between = (sums: readonly number[], { first, count }: DeviceLayers) =>
    at(sums, first + count) - at(sums, first);
  const largest = Math.max(...weights.layerLargestBytes, weights.outputLargestBytes);
  const workBuffer = workBufferBytes(facts, settings);
  // The device receives weights before it computes, so only the larger of the two counts.
  const passing = (isCpu: boolean) => Math.max(largest, isCpu ? workBuffer : 0);

  return {
    backend(flavour, capacityBytes, layers, pipelined) {
      return withTotal({
        weightsBytes:
          between(weightSums, layers) + weights.sharedBytes + (layers.holdsOutput ? weights.outputBytes : 0),
        kvCacheBytes: between(cacheSums, layers),
        computeBytes: compute.device(layers, pipelined),
        // A tensor arrives in one message, which exists beside the buffer that it is copied to.
        reserveBytes: BACKEND_PROGRAM_BYTES[flavour] + passing(flavour === "cpu"),
        capacityBytes,
      });
    },
    front(capacityBytes, count, pipelined) {
      const layers = { first: 0, count, holdsOutput: false };
      const outputs = settings.everyTokenHasOutput ? settings.batchTokens : settings.slots;
      return withTotal({
        weightsBytes: weights.inputBytes + between(weightSums, layers) + (count > 0 ? weights.sharedBytes : 0),
        kvCacheBytes: between(cacheSums, layers),
        computeBytes: compute.front(layers, pipelined),
        // A tensor is copied once more before it goes to the socket. Logits and embeddings have an output buffer.
        reserveBytes:
          FRONT_PROGRAM_BYTES +
          VOCABULARY_FACTOR * weights.headerBytes +
          passing(count > 0) +
          outputs * (facts.vocabularyTokens + facts.embeddingLength) * 4,
        capacityBytes,
      });
    },
  };
}

function withTotal(parts: Omit<MemoryPlan, "totalBytes">): MemoryPlan {
  const { weightsBytes, kvCacheBytes, computeBytes, reserveBytes, capacityBytes } = parts;
  const totalBytes = weightsBytes + kvCacheBytes + computeBytes + reserveBytes;
  return { weightsBytes, kvCacheBytes, computeBytes, reserveBytes, totalBytes, capacityBytes };
}

function runningSums(values: readonly number[]): number[] {
  const sums = [0];
  for (const value of values) sums.push(at(sums, -1) + value);
  return sums;
}
