/**
 * The computations of attention. Source at the pinned commit: `build_qkv`, `build_attn` and `build_attn_mha` in
 * `src/llama-graph.cpp`; latent attention in `src/models/deepseek2.cpp`.
 */

import { at } from "../../../config/collections.ts";
import { hasRotaryPositions } from "../../model/architectures.ts";
import type { AttentionKind } from "../../model/layer-kinds.ts";
import type { Value } from "../graph.ts";
import { cacheCells, cacheRotation, valueWidth } from "../kv-cache.ts";
import { F16_BYTES, F32_BYTES, type LayerContext, multiply, norm, rowsBytes } from "./context.ts";

type Latent = NonNullable<AttentionKind["latent"]>;

/**
 * From the normed input to the weighted values. The returned function adds the last multiplication: one row of embeddings
 * for each token. llama.cpp adds it to the graph only when a later computation uses its result.
 */
export function attention(context: LayerContext, kind: AttentionKind, input: Value): () => Value {
  const { latent } = kind;
  const result = latent === null ? groupedQueries(context, kind, input) : latentAttention(context, latent, input);
  return () => multiply(context, context.facts.embeddingLength, result());
}

/** Grouped queries: every head has its own queries, and several heads share keys and values. */
function groupedQueries(context: LayerContext, kind: AttentionKind, input: Value): () => Value {
  const { graph, facts, settings, layer, inputs } = context;
  const heads = at(facts.heads, layer);
  const keyLength = at(facts.keyLengths, layer);
  const queryValues = heads * keyLength;
  const keyValues = at(facts.keyValueHeads, layer) * keyLength;
  const valueValues = at(facts.keyValueHeads, layer) * at(facts.valueLengths, layer);
  const fused = kind.fused ? multiply(context, queryValues + keyValues + valueValues, input) : null;
  const rotation = cacheRotation(facts, settings);

  const project = (values: number) => graph.view(fused ?? multiply(context, values, input));
  const position = (values: number) => {
    const raw = project(values);
    const normed = kind.queryNorm ? norm(context, values, raw) : raw;
    return hasRotaryPositions(facts.architecture)
      ? graph.update(rowsBytes(context, values), normed, inputs.positions)
      : normed;
  };
  const rotate = (values: number, source: Value, by: Value) =>
    graph.view(multiply(context, values, graph.view(source), by));
  const contiguous = (source: Value) =>
    fused === null ? source : graph.compute(rowsBytes(context, valueValues), source);

  const query = () =>
    rotation.keys === 0 ? position(queryValues) : rotate(queryValues, position(queryValues), inputs.keyRotation);
  const key = () =>
    rotation.keys === 0 ? position(keyValues) : rotate(keyValues, position(keyValues), inputs.keyRotation);
  const value = () =>
    rotation.values === 0
      ? project(valueValues)
      : rotate(valueValues, contiguous(project(valueValues)), inputs.valueRotation);

  const queries = query();
  // With a sliding window the keys come before the values, without one after them (the two variants of `build_attn`).
  const first = facts.slidingWindow === null ? value() : key();
  const second = facts.slidingWindow === null ? key() : value();
  const [keys, values] = facts.slidingWindow === null ? [second, first] : [first, second];
  graph.store(graph.view(keys), inputs.keyCells);
  storeValues(context, rotation.values === 0 ? contiguousValues(context, fused, values) : values, valueValues);

  const resultValues = heads * at(facts.valueLengths, layer);
  const result = weighted(context, graph.view(queries), heads, resultValues, null);
  return () => (rotation.values === 0 ? result : rotate(resultValues, result, inputs.valueRotation));
}

/** Copies values that are part of a fused result before they are stored; only without flash attention. */
function contiguousValues({ graph, settings }: LayerContext, fused: Value | null, values: Value): Value {
  return fused === null || settings.flashAttention ? values : graph.compute(values.bytes, values);
}

/** Stores the values; without flash attention they are padded to the width of the widest layer. */
function storeValues(context: LayerContext, values: Value, width: number): void {
  const { graph, facts, settings, layer, inputs } = context;
  const stored = valueWidth(facts, layer, settings);
  const padded = stored > width ? multiply(context, stored, graph.view(values)) : values;
  graph.store(graph.view(padded), inputs.valueCells);
}

/** Multi-head latent attention: one compressed key for all heads, which is also the value. */
function latentAttention(context: LayerContext, latent: Latent, input: Value): () => Value {
  const { graph, facts, layer, inputs } = context;
  const heads = at(facts.heads, layer);
  const { queryRank, rank, rope } = latent;
  const headLength = facts.latentKeyLength ?? 0;

  const reduced = queryRank === 0 ? input : norm(context, queryRank, multiply(context, queryRank, input));
  const query = graph.view(multiply(context, heads * headLength, reduced));
  const absorbed = graph.view(multiply(context, heads * rank, graph.view(graph.view(query))));
  const queryPosition = multiply(context, heads * rope, graph.view(query), inputs.positions);
  const queries = multiply(context, heads * (rank + rope), absorbed, queryPosition);

  const compressed = multiply(context, rank + rope, input);
  const values = graph.view(norm(context, rank, graph.view(compressed)));
  const keyPosition = multiply(context, rope, graph.view(compressed), inputs.positions);
  const keys = multiply(context, rank + rope, values, keyPosition);
  graph.store(graph.view(keys), inputs.keyCells);
  const result = weighted(context, graph.view(queries), heads, heads * rank, heads * latent.value);
  return () => result;
}

/**
 * Scores and the weighted sum of the values.
 * @param unfolded with latent attention, the number of values per token that the result is multiplied out to; else null
 */
function weighted(
  context: LayerContext,
  queries: Value,
  heads: number,
  values: number,
  unfolded: number | null,
): Value {
  const { graph, facts, settings, layer, inputs } = context;
  const query = graph.view(queries);
  if (settings.flashAttention) {
    const result = multiply(context, values, query, inputs.mask);
    if (unfolded === null) return graph.view(result);
    const multiplied = multiply(context, unfolded, graph.view(result));
    return graph.view(multiply(context, unfolded, graph.view(multiplied)));
  }
  const cells = cacheCells(facts, layer, settings);
  const scoreBytes = rowsBytes(context, heads * cells);
  const scores = graph.update(scoreBytes, graph.compute(scoreBytes, query), inputs.mask);
  // The compressed keys are not stored transposed, so they are copied before they are used as values.
  const copied = unfolded === null ? [] : [graph.compute(cells * settings.streams * (values / heads) * F16_BYTES)];
  const summed = multiply(context, values, ...copied, scores);
  const result = unfolded === null ? summed : multiply(context, unfolded, summed);
  return graph.compute((unfolded ?? values) * context.tokens * F32_BYTES, graph.view(result));
}
