/**
 * Bytes that a CPU needs to convert the factors that it multiplies with weights or the cache. No buffer in the log
 * contains them: `ggml-cpu` allocates them when it computes, for the widest multiplication of the graph, and keeps them.
 * Source at the pinned commit: `ggml_graph_plan` in `ggml/src/ggml-cpu/ggml-cpu.c` (`GGML_OP_MUL_MAT`, `GGML_OP_MUL_MAT_ID`).
 */

import { at } from "../../config/collections.ts";
import type { ModelFacts } from "../model/facts.ts";
import { cacheCells, kindOf } from "./kv-cache.ts";
import { graphTokens, type RunSettings } from "./settings.ts";

/** F16 is the widest type that values are converted to. For quantized weights it is Q8_0 or Q8_K, about half of that. */
const CONVERTED_BYTES = 2;
/** Bytes of the position of a chosen expert's row (`mmid_row_mapping`). */
const ROW_MAPPING_BYTES = 8;

/** The most bytes that any layer of the model needs. */
export function workBufferBytes(facts: ModelFacts, settings: RunSettings): number {
  return graphTokens(settings) * Math.max(...facts.heads.map((_, layer) => layerBytesPerToken(facts, settings, layer)));
}

function layerBytesPerToken(facts: ModelFacts, settings: RunSettings, layer: number): number {
  const kind = kindOf(facts, layer);
  const heads = at(facts.heads, layer);
  const latent = kind?.attention?.latent ?? null;
  const attended = heads * (latent === null ? at(facts.valueLengths, layer) : latent.rank + latent.rope);
  // Without flash attention the scores are multiplied with the values, which are F16.
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
