/**
 * Bytes of the KV cache, exact for architectures that the planner knows.
 * Source at the pinned commit: `llama_kv_cache::llama_kv_cache` in `src/llama-kv-cache.cpp` (one tensor
 * `n_embd_k_gqa × kv_size × n_stream` for the keys of each layer, one for the values) and `src/llama-kv-cache-iswa.cpp`.
 */

import type { ModelFacts } from "../model/facts.ts";
import { CONTEXT_STEP_TOKENS, padded, type RunSettings } from "./settings.ts";

/** Bytes of so many values: blocks of 32 in the quantized types. */
const BYTES_PER_32_VALUES = { f16: 64, q8_0: 34, q4_0: 18 } as const;

/** Cells of one layer's cache in one slot: the whole context, or the sliding window and what is being computed. */
export function cacheCells(facts: ModelFacts, layer: number, settings: RunSettings): number {
  const window = facts.slidingWindow;
  if (window === null || window.layers[layer] !== true) return settings.slotContextTokens;
  return padded(Math.min(settings.slotContextTokens, window.tokens + settings.microBatchTokens), CONTEXT_STEP_TOKENS);
}

/** Bytes of one layer's keys and values in all slots. */
export function kvCacheLayerBytes(facts: ModelFacts, layer: number, settings: RunSettings): number {
  const keyValues = (facts.keyValueHeads[layer] ?? 0) * (facts.keyLengths[layer] ?? 0);
  const rowBytes = (values: number) => (values / 32) * BYTES_PER_32_VALUES[settings.kvCacheType];
  const cells = cacheCells(facts, layer, settings) * settings.slots;
  return cells * (rowBytes(keyValues) + rowBytes(valueWidth(facts, layer, settings)));
}

/** Without flash attention the values are stored transposed, every layer as wide as the widest. */
function valueWidth(facts: ModelFacts, layer: number, settings: RunSettings): number {
  const width = (index: number) => (facts.keyValueHeads[index] ?? 0) * (facts.valueLengths[index] ?? 0);
  if (settings.flashAttention || width(layer) === 0) return width(layer);
  return Math.max(...facts.keyValueHeads.map((_, index) => width(index)));
}
