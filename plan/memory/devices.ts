/** Bytes that one device needs, part by part, for the layers that it is to hold. */

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
 * What `ggml-rpc-server` itself takes: code, libraries, threads, and on CUDA the context and the kernels' workspace.
 * Measured on a CPU at the pinned commit (`/proc/<pid>/status`): 6 MiB before a client comes, of which 5 are files; after
 * 1500 tokens of a prompt over SmolLM2 all memory was 86.7 and 107.1 MiB with buffers of 82.7 and 104.2. CUDA: not measured.
 */
const BACKEND_PROGRAM_BYTES: Readonly<Record<Flavour, number>> = { cpu: 48 * MIB, cuda: 512 * MIB };
/**
 * What `llama-server` itself takes: code, libraries, HTTP threads. Measured with the vocabulary, once it is ready and has
 * answered, without the mapped weights: 46 MiB for SmolLM2 with buffers of 13.9, 90 MiB for Gemma 3 270M with 19.3; while
 * it loads, with a tensor in its hands, 50 and 224 MiB without files, of which 28.7 and 170 are that tensor.
 */
const FRONT_PROGRAM_BYTES = 128 * MIB;
/**
 * The vocabulary in memory is several times what it is in the file: strings, hash maps, merge ranks. Measured between the
 * two models, whose headers are 1.7 and 6.2 MiB long: 33 MiB more while loading (7.2 times), 39 MiB more after an answer
 * (8.6 times, with what the sampler keeps for each token of the vocabulary); the program's own share is put higher.
 */
const VOCABULARY_FACTOR = 8;

/** Answers what any run of layers needs on a device; sums are prepared once, so that a split can ask often. */
export interface MemoryModel {
  backend(flavour: Flavour, capacityBytes: number, layers: DeviceLayers, pipelined: boolean): MemoryPlan;
  front(capacityBytes: number, layers: number, pipelined: boolean): MemoryPlan;
}

/** Whoever tries other machines asks again and again about the same model. */
const modelsOf = memoizeObject((facts: ModelFacts) =>
  memoize(
    (settings: RunSettings) => newMemoryModel(facts, settings),
    (settings) => JSON.stringify(settings),
  ),
);

/** The memory model of one model under the same settings. */
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
  // While weights arrive nothing is computed yet: one of the two at a time.
  const passing = (isCpu: boolean) => Math.max(largest, isCpu ? workBuffer : 0);

  return {
    backend(flavour, capacityBytes, layers, pipelined) {
      return withTotal({
        weightsBytes:
          between(weightSums, layers) + weights.sharedBytes + (layers.holdsOutput ? weights.outputBytes : 0),
        kvCacheBytes: between(cacheSums, layers),
        computeBytes: compute.device(layers, pipelined),
        // A tensor arrives in one message, which is held beside the buffer that it is copied to.
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
        // A tensor is copied once more on its way to the socket; logits and embeddings wait in an output buffer.
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
