/**
 * Bytes of the KV cache and the recurrent states; exact for architectures that the planner knows.
 * Source at the pinned commit: `llama_kv_cache::llama_kv_cache` in `src/llama-kv-cache.cpp` (one tensor
 * `n_embd_k_gqa × kv_size × n_stream` for the keys of each layer, one for the values, none for the values with latent
 * attention), `src/llama-kv-cache-iswa.cpp`, `llama_memory_recurrent` in `src/llama-memory-recurrent.cpp`.
 */

import { CONTEXT_STEP_TOKENS } from "../../config/bounds.ts";
import { at } from "../../config/collections.ts";
import type { ModelFacts } from "../model/facts.ts";
import type { LayerKind, StateSpaceKind } from "../model/layer-kinds.ts";
import { padded, type RunSettings } from "./settings.ts";

/** Bytes of 32 values, which is one block of the quantized types. */
const BYTES_PER_32_VALUES = { f16: 64, q8_0: 34, q4_0: 18 } as const;
/** Recurrent states are always kept in F32. */
const STATE_BYTES = 4;
/** The fewest rows of the rotation that spreads outliers before a cache is quantized (`attn_rot_k`, `attn_rot_v`). */
const ROTATION_ROWS = 64;

/** Cells of one layer's cache in one stream: the whole context, or the sliding window plus the tokens being computed. */
export function cacheCells(facts: ModelFacts, layer: number, settings: RunSettings): number {
  const window = facts.slidingWindow;
  if (window === null || window.layers[layer] !== true) return settings.slotContextTokens;
  const windows = settings.streams === 1 ? settings.slots : 1;
  const tokens = window.tokens * windows + settings.microBatchTokens;
  return padded(Math.min(settings.slotContextTokens, tokens), CONTEXT_STEP_TOKENS);
}

/** Bytes of one layer's keys, values and states in all slots. */
export function kvCacheLayerBytes(facts: ModelFacts, layer: number, settings: RunSettings): number {
  const keyValues = at(facts.keyValueHeads, layer) * at(facts.keyLengths, layer);
  const rowBytes = (values: number) => (values / 32) * BYTES_PER_32_VALUES[settings.kvCacheType];
  const cells = cacheCells(facts, layer, settings) * settings.streams;
  const states = stateValues(kindOf(facts, layer)?.stateSpace ?? null) * settings.slots * STATE_BYTES;
  return cells * (rowBytes(keyValues) + rowBytes(valueWidth(facts, layer, settings))) + states;
}

/**
 * Number of values in one cell of a layer. Without flash attention they are stored transposed, and every layer is as wide
 * as the widest. With latent attention it is 0, because the keys are the values.
 */
export function valueWidth(facts: ModelFacts, layer: number, settings: RunSettings): number {
  if (usesLatentAttention(facts)) return 0;
  const width = (index: number) => at(facts.keyValueHeads, index) * at(facts.valueLengths, index);
  if (settings.flashAttention || width(layer) === 0) return width(layer);
  return Math.max(...facts.keyValueHeads.map((_, index) => width(index)));
}

/** Whether the cache holds compressed keys only. */
export function usesLatentAttention(facts: ModelFacts): boolean {
  return facts.layerKinds.kinds.some(({ attention }) => (attention?.latent ?? null) !== null);
}

/**
 * Rows of the rotations that keys and values pass before they are stored quantized; 0 if there is no rotation
 * (`build_input_k_rot`, `build_input_v_rot`).
 */
export function cacheRotation(facts: ModelFacts, settings: RunSettings): { keys: number; values: number } {
  if (settings.kvCacheType === "f16" || usesLatentAttention(facts)) return { keys: 0, values: 0 };
  const attending = facts.keyValueHeads.flatMap((heads, layer) => (heads > 0 ? [layer] : []));
  const only = (lengths: readonly number[]) => {
    const distinct = new Set(attending.map((layer) => at(lengths, layer)));
    const [length = 0] = distinct;
    return distinct.size === 1 && length % ROTATION_ROWS === 0 ? length : 0;
  };
  const [keyLength, valueLength] = [only(facts.keyLengths), only(facts.valueLengths)];
  let keys = keyLength === 0 ? 0 : ROTATION_ROWS;
  while (keys > 0 && keyLength % (2 * keys) === 0) keys *= 2;
  return { keys, values: valueLength === 0 ? 0 : ROTATION_ROWS };
}

/** What a layer computes; undefined if the model has no layer of this number. */
export function kindOf(facts: ModelFacts, layer: number): LayerKind | undefined {
  return facts.layerKinds.kinds[facts.layerKinds.ofLayer[layer] ?? -1];
}

function stateValues(kind: StateSpaceKind | null): number {
  return kind === null ? 0 : convolutionStateValues(kind) + scanStateValues(kind);
}

/** Number of values in the convolution's state of one slot (`llama_hparams::n_embd_r` in `src/llama-hparams.cpp`). */
export function convolutionStateValues({ convolution, inner, groups, state }: StateSpaceKind): number {
  return (convolution - 1) * (inner + 2 * groups * state);
}

/** Number of values in the scan's state of one slot (`llama_hparams::n_embd_s`). */
export function scanStateValues({ inner, state }: StateSpaceKind): number {
  return inner * state;
}
