/**
 * The computations of a feed-forward part. Source at the pinned commit: `build_ffn` and `build_moe_ffn` in
 * `src/llama-graph.cpp`.
 */

import type { FeedForwardKind } from "../../model/layer-kinds.ts";
import type { Value } from "../graph.ts";
import { type LayerContext, multiply, rowsBytes } from "./context.ts";

type Experts = NonNullable<FeedForwardKind["experts"]>;

/** From the normed input to one row of embeddings for each token. */
export function feedForward(context: LayerContext, kind: FeedForwardKind, input: Value): Value {
  const { facts, graph } = context;
  if (kind.experts === null) return dense(context, kind.width, kind.gate, input);
  const mixed = mixture(context, kind, kind.experts, input);
  if (kind.experts.sharedWidth === 0) return mixed;
  const shared = dense(context, kind.experts.sharedWidth, "beside", input);
  return graph.update(rowsBytes(context, facts.embeddingLength), mixed, shared);
}

function dense(context: LayerContext, width: number, gate: FeedForwardKind["gate"], input: Value): Value {
  const { graph, facts } = context;
  const activated = () => {
    if (gate === "beside")
      return multiply(context, width, multiply(context, width, input), multiply(context, width, input));
    if (gate === "fused") return multiply(context, width, multiply(context, 2 * width, input));
    return graph.update(rowsBytes(context, width), multiply(context, width, input));
  };
  return multiply(context, facts.embeddingLength, activated());
}

/** The weights of the chosen experts, divided by their sum. */
function normed(context: LayerContext, used: number, weights: Value): Value {
  const { graph } = context;
  const total = multiply(context, 1, graph.view(weights));
  return graph.view(graph.update(rowsBytes(context, used), graph.view(weights), total));
}

/** The choice of experts for each token, their results, and the weighted sum of the results. */
function mixture(context: LayerContext, kind: FeedForwardKind, experts: Experts, input: Value): Value {
  const { graph, facts } = context;
  const { count, used } = experts;
  const embeddings = facts.embeddingLength;

  const probabilities = graph.update(rowsBytes(context, count), multiply(context, count, input));
  const selection = experts.hasSelectionBias ? graph.update(rowsBytes(context, count), probabilities) : probabilities;
  const selected = graph.view(multiply(context, count, selection));
  const raw = multiply(context, used, graph.view(probabilities), selected);
  const weights = experts.hasNormedWeights ? normed(context, used, raw) : raw;

  const inputs = graph.view(input);
  const wide = used * kind.width;
  const activated = () => {
    if (experts.mergedGate) {
      const both = multiply(context, 2 * wide, inputs, selected);
      return multiply(context, wide, graph.view(both), graph.view(both));
    }
    if (kind.gate === "none") return graph.update(rowsBytes(context, wide), multiply(context, wide, inputs, selected));
    return multiply(
      context,
      wide,
      multiply(context, wide, inputs, selected),
      multiply(context, wide, inputs, selected),
    );
  };
  const results = multiply(context, used * embeddings, activated(), selected);
  return sumOfExperts(context, used, results, weights);
}

/** The weighted sum of the chosen experts' results. */
export function sumOfExperts(context: LayerContext, used: number, results: Value, weights: Value): Value {
  const { graph, facts } = context;
  const bytes = rowsBytes(context, facts.embeddingLength);
  const scaled = graph.update(used * bytes, results, weights);
  const [first, second, ...others] = Array.from({ length: used }, () => graph.view(scaled));
  if (first === undefined) return scaled;
  if (second === undefined) return graph.compute(bytes, first);
  return others.reduce((sum, view) => graph.update(bytes, sum, view), graph.compute(bytes, first, second));
}
