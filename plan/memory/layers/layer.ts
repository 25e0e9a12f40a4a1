/** A whole layer, and the output. Source at the pinned commit: `src/models/<architecture>.cpp` (`graph::graph`). */

import { addsToInput, keepsAllRowsToTheEnd } from "../../model/architectures.ts";
import type { LayerKind } from "../../model/layer-kinds.ts";
import type { Value } from "../graph.ts";
import { kindOf } from "../kv-cache.ts";
import { attention } from "./attention.ts";
import { type LayerContext, norm, outputRows, outputTokens, rowsBytes } from "./context.ts";
import { feedForward } from "./feed-forward.ts";
import { keptStates, stateSpace } from "./state-space.ts";

/** What a layer gets from the layer before. */
export interface LayerInput {
  hidden: Value;
  /** The input after the norm, if another device has begun the norm. */
  normed?: Value;
  /** Recurrent states, if the layer before has fetched them; else null. */
  states: Value | null;
}

/**
 * Adds a layer to the graph and returns the input of the next layer.
 * @param next the next layer on the same device, or null; if it is recurrent, it fetches its states before this one ends
 */
export function addLayer(
  context: LayerContext,
  { hidden: input, normed: begun, states }: LayerInput,
  next: LayerContext | null,
): LayerInput {
  const { graph, facts, layer } = context;
  const kind = kindOf(facts, layer);
  if (kind === undefined) return { hidden: input, states: null };
  const embeddings = facts.embeddingLength;
  const isLast = layer === facts.layers - 1 && !keepsAllRowsToTheEnd(facts.architecture);
  const cut = (value: Value) => (isLast ? outputRows(context, embeddings, value) : value);
  const late = isLast ? { ...context, tokens: outputTokens(context) } : context;
  const lateBytes = rowsBytes(late, embeddings);

  const fetchStates = () => {
    const recurrent = next === null ? undefined : kindOf(facts, next.layer);
    return next !== null && recurrent?.attention === null && recurrent.stateSpace !== null
      ? keptStates(next, recurrent.stateSpace)
      : null;
  };
  const normed = () =>
    begun !== undefined
      ? graph.update(rowsBytes(context, embeddings), begun)
      : kind.preNorm
        ? norm(context, embeddings, input)
        : input;
  const mixed = mix(context, kind, states, normed);
  const hasExperts = (kind.feedForward?.experts ?? null) !== null;
  const early = hasExperts ? null : fetchStates();

  if (isParallel(kind) && kind.feedForward !== null && mixed.normed !== null) {
    const forwarded = feedForward(late, kind.feedForward, cut(mixed.normed));
    const withInput = graph.update(lateBytes, forwarded, cut(input));
    return { hidden: graph.update(lateBytes, withInput, cut(mixed.rest())), states: early };
  }
  const rest = cut(mixed.rest());
  const own = kind.postAttentionNorm ? norm(late, embeddings, rest) : rest;
  const add = (result: Value, onto: Value) =>
    addsToInput(facts.architecture) ? graph.update(lateBytes, onto, result) : graph.update(lateBytes, result, onto);
  const residual = add(own, cut(input));
  if (kind.feedForward === null) return { hidden: residual, states: early };
  const read = kind.feedForwardNorm ? norm(late, embeddings, residual) : residual;
  const forwarded = feedForward(late, kind.feedForward, read);
  const afterExperts = hasExperts ? fetchStates() : early;
  const result = kind.postFeedForwardNorm ? norm(late, embeddings, forwarded) : forwarded;
  return { hidden: add(result, residual), states: afterExperts };
}

function isParallel({ feedForwardNorm, postAttentionNorm, preNorm }: LayerKind): boolean {
  return !feedForwardNorm && !postAttentionNorm && preNorm;
}

/** Attention, a recurrent part, or both side by side. `rest` adds what llama.cpp adds to the graph later. */
function mix(
  context: LayerContext,
  { attention: attentionKind, stateSpace: stateSpaceKind }: LayerKind,
  states: Value | null,
  normed: () => Value,
): { normed: Value | null; rest: () => Value } {
  const { graph, facts } = context;
  if (attentionKind === null) {
    const rest =
      stateSpaceKind === null
        ? normed
        : stateSpace(context, stateSpaceKind, states ?? keptStates(context, stateSpaceKind), normed);
    return { normed: null, rest };
  }
  const input = normed();
  const attended = attention(context, attentionKind, input);
  if (stateSpaceKind === null) return { normed: input, rest: attended };
  const scanned = stateSpace(context, stateSpaceKind, keptStates(context, stateSpaceKind), normed);
  return { normed: null, rest: () => graph.update(rowsBytes(context, facts.embeddingLength), attended(), scanned()) };
}

/** Adds the output layer: the logits of the tokens that have an output, and with embeddings their mean. */
export function addOutput(context: LayerContext, input: Value): void {
  const { graph, facts, settings } = context;
  const late = { ...context, tokens: outputTokens(context) };
  const embeddings = facts.embeddingLength;
  const rows = keepsAllRowsToTheEnd(facts.architecture) ? outputRows(context, embeddings, input) : input;
  const normed = norm(late, embeddings, rows);
  const logits = graph.update(
    rowsBytes(late, facts.vocabularyTokens),
    graph.compute(rowsBytes(late, facts.vocabularyTokens), normed),
  );
  if (settings.everyTokenHasOutput) {
    const turned = graph.compute(rowsBytes(late, embeddings), graph.view(normed));
    graph.store(graph.compute(embeddings * settings.slots * 4, turned, context.inputs.mean));
  }
  graph.store(normed, logits);
}
