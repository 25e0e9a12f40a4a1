/**
 * Bytes of the compute buffers: what llama.cpp reserves for the biggest graph of a device. An estimate, derived from the
 * tensors that are alive at once in the worst of feed-forward, attention and output; for a dense model measured against
 * llama.cpp's own numbers in `test/unit/memory.test.ts`.
 * Source at the pinned commit: `llama_context::sched_reserve` in `src/llama-context.cpp`, `ggml_backend_sched_split_graph`
 * in `ggml/src/ggml-backend.cpp` (copies of the inputs), `build_attn_mha` and `build_ffn` in `src/llama-graph.cpp`.
 */

import type { ModelFacts } from "../model/facts.ts";
import { cacheCells } from "./kv-cache.ts";
import { padded, type RunSettings } from "./settings.ts";

const F32_BYTES = 4;
const F16_BYTES = 2;
const I32_BYTES = 4;
const I64_BYTES = 8;
/** Rows of the rotation that spreads outliers before a cache is quantized (`attn_rot_k` in `src/llama-kv-cache.cpp`). */
const ROTATION_ROWS = 64;
/** With pipelining the scheduler keeps this many copies of every input (`GGML_SCHED_MAX_COPIES`). */
const PIPELINE_COPIES = 4;

/** Consecutive layers on one device. */
export interface DeviceLayers {
  first: number;
  count: number;
  holdsOutput: boolean;
}

/** Answers what any run of layers needs; what does not depend on the run is worked out once. */
export interface ComputeModel {
  /** Compute buffer of a device that holds some layers. */
  device(layers: DeviceLayers, pipelined: boolean): number;
  /** Compute buffer of the front's CPU: the graph's inputs, and the layers that it computes itself if there are any. */
  front(layers: DeviceLayers, pipelined: boolean): number;
}

export function computeModel(facts: ModelFacts, settings: RunSettings): ComputeModel {
  const embeddings = rowsBytes(facts.embeddingLength, settings);
  const inputs = maskBytes(facts, settings) + embeddings + indexBytes(facts, settings);
  const output = outputBytes(facts, settings);
  const largestWork = rangeMaximum(facts.heads.map((_, layer) => layerBytes(facts, layer, settings)));
  const copiesOf = (pipelined: boolean) => (pipelined ? PIPELINE_COPIES : 1);
  const device = ({ first, count, holdsOutput }: DeviceLayers, pipelined: boolean) =>
    copiesOf(pipelined) * inputs + Math.max(holdsOutput ? output : 0, largestWork(first, count));
  return {
    device,
    front: (layers, pipelined) =>
      layers.count > 0 ? device(layers, pipelined) : copiesOf(pipelined) * inputs + embeddings,
  };
}

/** Largest of `count` values from `first` on, for any run: a table of the maxima of runs of 1, 2, 4, … values. */
function rangeMaximum(values: readonly number[]): (first: number, count: number) => number {
  const levels = [[...values]];
  for (let width = 2; width <= values.length; width *= 2) {
    const below = levels.at(-1) ?? [];
    const half = width / 2;
    levels.push(
      Array.from({ length: values.length - width + 1 }, (_, index) =>
        Math.max(below[index] ?? 0, below[index + half] ?? 0),
      ),
    );
  }
  return (first, count) => {
    if (count === 0) return 0;
    const level = Math.floor(Math.log2(count));
    const row = levels[level] ?? [];
    return Math.max(row[first] ?? 0, row[first + count - 2 ** level] ?? 0);
  };
}

/** Tokens of the biggest graph: the micro batch, rounded up so that every slot has as many (`graph_reserve`). */
function graphTokens({ microBatchTokens, slots }: RunSettings): number {
  return padded(microBatchTokens, slots);
}

/** A matrix of one F32 row for each token of the graph. */
function rowsBytes(values: number, settings: RunSettings): number {
  return values * graphTokens(settings) * F32_BYTES;
}

/** Attention masks: one for the whole context, one more for the sliding window. F16 with flash attention, else F32. */
function maskBytes(facts: ModelFacts, settings: RunSettings): number {
  const widths = new Set(facts.keyValueHeads.map((_, layer) => cacheCells(facts, layer, settings)));
  const cells = [...widths].reduce((sum, width) => sum + width, 0);
  return cells * graphTokens(settings) * (settings.flashAttention ? F16_BYTES : F32_BYTES);
}

/**
 * Token numbers, positions and the cells that are written; where the values are stored transposed, every value has a cell
 * number of its own. A quantized cache brings a small rotation for the keys and one for the values.
 */
function indexBytes(facts: ModelFacts, settings: RunSettings): number {
  const valueWidths = facts.valueLengths.map((length, layer) => length * (facts.keyValueHeads[layer] ?? 0));
  const valueCells = settings.flashAttention ? 1 : Math.max(...valueWidths);
  const rotations = settings.kvCacheType === "f16" ? 0 : 2 * ROTATION_ROWS ** 2 * F32_BYTES;
  return graphTokens(settings) * (2 * I32_BYTES + I64_BYTES * (1 + valueCells)) + rotations;
}

/** The worst moment within one layer. */
function layerBytes(facts: ModelFacts, layer: number, settings: RunSettings): number {
  return Math.max(feedForwardBytes(facts, layer, settings), attentionBytes(facts, layer, settings));
}

/** Gate, up and their product, beside the residual, the normed input and the layer's input. */
function feedForwardBytes(facts: ModelFacts, layer: number, settings: RunSettings): number {
  const used = facts.experts?.used ?? 1;
  const width = (facts.feedForwardLengths[layer] ?? 0) * used;
  const residuals = (facts.experts === null ? 3 : 3 + used) * facts.embeddingLength;
  return rowsBytes(3 * width + residuals, settings);
}

/** Queries, their result and the residuals; without flash attention the scores of every head, softmax done in place. */
function attentionBytes(facts: ModelFacts, layer: number, settings: RunSettings): number {
  const heads = facts.heads[layer] ?? 0;
  const queries = heads * (facts.keyLengths[layer] ?? 0);
  const keysAndValues =
    (facts.keyValueHeads[layer] ?? 0) * ((facts.keyLengths[layer] ?? 0) + (facts.valueLengths[layer] ?? 0));
  const rows = rowsBytes(2 * queries + keysAndValues + 2 * facts.embeddingLength, settings);
  if (settings.flashAttention) return rows;
  return rows + rowsBytes(heads * cacheCells(facts, layer, settings), settings);
}

/** Logits of the tokens that have an output (`n_outputs_max` in `tools/server/server-context.cpp`). */
function outputBytes(facts: ModelFacts, settings: RunSettings): number {
  const tokens = graphTokens(settings);
  const outputs = settings.everyTokenHasOutput ? tokens : Math.min(settings.slots, tokens);
  return (
    outputs * (facts.vocabularyTokens + facts.embeddingLength) * F32_BYTES + rowsBytes(facts.embeddingLength, settings)
  );
}
