/**
 * Bytes in which a CPU converts what it multiplies weights or the cache with. They belong to no buffer of the log:
 * `ggml-cpu` takes them when it computes, as many as the widest multiplication of the graph wants, and keeps them.
 * Source at the pinned commit: `ggml_graph_plan` in `ggml/src/ggml-cpu/ggml-cpu.c` (`GGML_OP_MUL_MAT`, `GGML_OP_MUL_MAT_ID`).
 */

import { at } from "../../config/collections.ts";
import type { ModelFacts } from "../model/facts.ts";
import { cacheCells, kindOf } from "./kv-cache.ts";
import { graphTokens, type RunSettings } from "./settings.ts";

/** The widest type that is converted to is F16; for quantized weights it is Q8_0 or Q8_K, about half of it. */
const CONVERTED_BYTES = 2;
/** Where a row of a chosen expert lies (`mmid_row_mapping`). */
const ROW_MAPPING_BYTES = 8;

/** Bytes that any layer of the model wants at most. */
export function workBufferBytes(facts: ModelFacts, settings: RunSettings): number {
  return graphTokens(settings) * Math.max(...facts.heads.map((_, layer) => layerBytesPerToken(facts, settings, layer)));
}

function layerBytesPerToken(facts: ModelFacts, settings: RunSettings, layer: number): number {
  const kind = kindOf(facts, layer);
  const heads = at(facts.heads, layer);
  const latent = kind?.attention?.latent ?? null;
  const attended = heads * (latent === null ? at(facts.valueLengths, layer) : latent.rank + latent.rope);
  // Without flash attention the scores are multiplied with the values, which are kept in F16.
  const scores = kind?.attention && !settings.flashAttention ? heads * cacheCells(facts, layer, settings) : 0;
  const { width = 0, experts = null } = kind?.feedForward ?? {};
  const widest = Math.max(
    facts.embeddingLength,
    attended,
    scores,
    width * (experts?.used ?? 1),
    experts?.sharedWidth ?? 0,
    kind?.stateSpace?.inner ?? 0,
  );
  return CONVERTED_BYTES * widest + ROW_MAPPING_BYTES * (experts?.count ?? 0) * (experts?.used ?? 0);
}
