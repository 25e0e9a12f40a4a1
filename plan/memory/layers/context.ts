/** Building blocks for the computations of a layer. */

import type { ModelFacts } from "../../model/facts.ts";
import type { Graph, Value } from "../graph.ts";
import type { LayerInputs } from "../inputs.ts";
import { graphTokens, type RunSettings } from "../settings.ts";

export const F32_BYTES = 4;
export const F16_BYTES = 2;

/** A layer while its graph is built. */
export interface LayerContext {
  graph: Graph;
  facts: ModelFacts;
  settings: RunSettings;
  /** Number of the layer. */
  layer: number;
  /** Number of tokens: all tokens of the micro batch, or those with an output. */
  tokens: number;
  /** What the layer reads besides the hidden state. */
  inputs: LayerInputs;
}

/** Context of a whole micro batch. */
export function layerContext(
  graph: Graph,
  facts: ModelFacts,
  settings: RunSettings,
  layer: number,
  inputs: LayerInputs,
): LayerContext {
  return { graph, facts, settings, layer, tokens: graphTokens(settings), inputs };
}

/** Bytes of `values` F32 values for each token. */
export function rowsBytes({ tokens }: Pick<LayerContext, "tokens">, values: number): number {
  return values * tokens * F32_BYTES;
}

/** Multiplication by weights whose result has `values` values for each token (`build_lora_mm`). */
export function multiply(context: LayerContext, values: number, ...sources: Value[]): Value {
  return context.graph.compute(rowsBytes(context, values), ...sources);
}

/** Norm with its weights (`build_norm`). Only the norm by root mean square may overwrite its input. */
export function norm(context: LayerContext, values: number, source: Value): Value {
  const { graph, facts } = context;
  const bytes = rowsBytes(context, values);
  const normed = facts.rmsNorm ? graph.update(bytes, source) : graph.compute(bytes, source);
  return graph.update(bytes, normed);
}

/** The rows of the tokens that have an output (`build_inp_out_ids`, `ggml_get_rows`). */
export function outputRows(context: LayerContext, values: number, source: Value): Value {
  return context.graph.compute(values * outputTokens(context) * F32_BYTES, source, context.inputs.outputs);
}

/** Number of tokens in a micro batch that have an output (`n_outputs_max` in `tools/server/server-context.cpp`). */
export function outputTokens({ settings }: Pick<LayerContext, "settings">): number {
  const tokens = graphTokens(settings);
  return settings.everyTokenHasOutput ? tokens : Math.min(settings.slots, tokens);
}
