/** The settings that decide how much memory is used, rounded as llama.cpp rounds them. */

import { type BatchRequest, batchesOf } from "../../config/batches.ts";
import { CONTEXT_STEP_TOKENS } from "../../config/bounds.ts";

/** Data type of keys and values in the cache. */
export type KvCacheType = "f16" | "q8_0" | "q4_0";

/** Settings of a running model in a stack file. */
export interface RunRequest extends BatchRequest {
  model: BatchRequest["model"] & { flashAttention: "auto" | "on" | "off"; kvCacheType: KvCacheType };
}

/** Numbers of one running model. */
export interface RunSettings {
  /** Tokens of context of one slot, as llama.cpp rounds it (`n_ctx_seq`). */
  slotContextTokens: number;
  /** Slots (`n_seq_max`). */
  slots: number;
  /** Number of KV caches: one for each slot, or one that all slots share (`n_stream`). The plan gives each slot its own. */
  streams: number;
  /** Tokens computed at once (`n_ubatch`). */
  microBatchTokens: number;
  /** Tokens of the biggest batch (`n_batch`). */
  batchTokens: number;
  /** Whether attention is computed without the big matrix of scores. `auto` means on where the plan is exact. */
  flashAttention: boolean;
  kvCacheType: KvCacheType;
  /** Whether every token of a batch may have an output (embeddings); if not, one token of each slot has. */
  everyTokenHasOutput: boolean;
}

/** Rounds up to a multiple. */
export function padded(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** Port of the constructor of `llama_context` in `src/llama-context.cpp`. */
export function runSettings({ model, front }: RunRequest, { isCacheShared = false } = {}): RunSettings {
  const slots = model.parallelSlots;
  const contextTokens = padded(model.contextTokens, CONTEXT_STEP_TOKENS);
  const sizes = batchesOf({ model, front });
  // With embeddings the server shortens the batch to the micro batch (`tools/server/server.cpp`).
  const batch = front.embeddings ? Math.min(sizes.batchTokens, sizes.microBatchTokens) : sizes.batchTokens;
  const batchTokens = Math.min(batch, sizes.contextTokens);
  return {
    slotContextTokens: isCacheShared ? contextTokens : sizes.slotContextTokens,
    slots,
    streams: isCacheShared ? 1 : slots,
    batchTokens,
    microBatchTokens: Math.min(sizes.microBatchTokens, batchTokens),
    flashAttention: model.flashAttention !== "off",
    kvCacheType: model.kvCacheType,
    everyTokenHasOutput: front.embeddings,
  };
}

/** Tokens of the biggest graph: the micro batch, rounded up to a multiple of the slots (`graph_reserve`). */
export function graphTokens({ microBatchTokens, slots }: Pick<RunSettings, "microBatchTokens" | "slots">): number {
  return padded(microBatchTokens, slots);
}
