/** How many tokens a front computes at once: what the stack file says, or what follows from its context. */

import { CONTEXT_STEP_TOKENS } from "./bounds.ts";

/** llama.cpp's own defaults (`common/common.h`). */
export const DEFAULT_BATCH_TOKENS = 2048;
export const DEFAULT_MICRO_BATCH_TOKENS = 512;

/** What the stack file says about batches. */
export interface BatchRequest {
  model: {
    contextTokens: number;
    parallelSlots: number;
    /** @default 2048, or a slot's whole context with embeddings if that is more */
    batchTokens?: number | undefined;
    /** @default 512, or a slot's whole context with embeddings if that is more */
    microBatchTokens?: number | undefined;
  };
  front: { embeddings: boolean };
}

/** Tokens that a front is started with. */
export interface Batches {
  /** Context of all slots together (`--ctx-size`). */
  contextTokens: number;
  /** Context of one slot, as llama.cpp rounds it. */
  slotContextTokens: number;
  /** `--batch-size`. */
  batchTokens: number;
  /** `--ubatch-size`. */
  microBatchTokens: number;
}

/**
 * The batches of a front. Without embeddings, llama.cpp cuts a long prompt into micro batches. With them it can't: it answers
 * an input above the micro batch with status 500 (`tools/server/server-context.cpp`, "input is too large to process"). So the
 * batches must hold the whole context of a slot then.
 */
export function batchesOf({ model, front }: BatchRequest): Batches {
  const step = CONTEXT_STEP_TOKENS;
  const rounded = (tokens: number) => Math.ceil(tokens / step) * step;
  const slotContextTokens = rounded(Math.floor(rounded(model.contextTokens) / model.parallelSlots));
  const least = front.embeddings ? slotContextTokens : 0;
  const batchTokens = model.batchTokens ?? Math.max(DEFAULT_BATCH_TOKENS, least);
  return {
    // llama.cpp makes no batch longer than the context before it rounds the context up.
    contextTokens: front.embeddings ? slotContextTokens * model.parallelSlots : model.contextTokens,
    slotContextTokens,
    batchTokens,
    microBatchTokens: model.microBatchTokens ?? Math.max(Math.min(DEFAULT_MICRO_BATCH_TOKENS, batchTokens), least),
  };
}
