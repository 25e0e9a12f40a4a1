/**
 * The computations of a recurrent layer. Source at the pinned commit: `src/models/mamba-base.cpp`, `build_rs` in
 * `src/llama-graph.cpp`.
 */

import type { StateSpaceKind } from "../../model/layer-kinds.ts";
import type { Value } from "../graph.ts";
import { convolutionStateValues, scanStateValues } from "../kv-cache.ts";
import { F32_BYTES, type LayerContext, multiply, norm, rowsBytes } from "./context.ts";

/** From the states and the normed input to the scan. The returned function adds the last multiplication, a row per token. */
export function stateSpace(
  context: LayerContext,
  kind: StateSpaceKind,
  states: Value,
  input: () => Value,
): () => Value {
  const isFirst = kind.version === 1;
  const result = isFirst ? mamba(context, kind, states, input()) : mamba2(context, kind, states, input());
  return () => {
    const projected = multiply(context, context.facts.embeddingLength, result());
    // Mamba reshapes it, so nothing may overwrite it.
    return isFirst ? context.graph.view(projected) : projected;
  };
}

/** Number of channels of the convolution: the inner values, and in Mamba 2 the groups' B and C. */
function channelsOf({ version, inner, groups, state }: StateSpaceKind): number {
  return version === 1 ? inner : inner + 2 * groups * state;
}

/** Number of values per token that the input is projected to. */
export function projectedValues(kind: StateSpaceKind): number {
  return kind.version === 1 ? 2 * kind.inner : kind.inner + channelsOf(kind) + kind.steps;
}

/** The convolution over the kept columns and those of this batch. */
function convolve(context: LayerContext, kind: StateSpaceKind, projected: Value, states: Value): Value {
  const { graph, settings, tokens } = context;
  const channels = channelsOf(kind);
  const kept = (kind.convolution - 1) * settings.slots;
  const columns = graph.compute(
    (kept + tokens) * channels * F32_BYTES,
    graph.view(states),
    graph.view(graph.view(projected)),
  );
  graph.store(graph.view(columns));
  const convolved = multiply(context, channels, columns);
  const biased = graph.update(rowsBytes(context, channels), convolved);
  return graph.update(rowsBytes(context, channels), biased);
}

/** The states of the slots after the last batch. */
export function keptStates({ graph, settings, inputs }: LayerContext, kind: StateSpaceKind): Value {
  return graph.compute(convolutionStateValues(kind) * settings.slots * F32_BYTES, inputs.states);
}

/** The scan over time: computes the result of each token and the new states. */
function scan(context: LayerContext, kind: StateSpaceKind, ...sources: Value[]): Value {
  const { graph, settings, inputs } = context;
  const states = scanStateValues(kind) * settings.slots * F32_BYTES;
  const scanned = graph.compute(rowsBytes(context, kind.inner) + states, ...sources, inputs.states);
  graph.store(graph.view(scanned));
  return graph.view(scanned);
}

function mamba(context: LayerContext, kind: StateSpaceKind, states: Value, input: Value): () => Value {
  const { graph } = context;
  const { inner, state, steps } = kind;
  const projected = multiply(context, projectedValues(kind), graph.view(input));
  const activated = convolve(context, kind, projected, states);

  const parts = multiply(context, steps + 2 * state, activated);
  const part = (values: number, view: Value) => (kind.innerNorms ? norm(context, values, view) : view);
  const rank = kind.innerNorms ? norm(context, steps, graph.view(parts)) : multiply(context, steps, graph.view(parts));
  const time = graph.update(rowsBytes(context, inner), multiply(context, inner, rank));
  const result = scan(
    context,
    kind,
    graph.view(activated),
    time,
    part(state, graph.view(parts)),
    part(state, graph.view(parts)),
  );
  return () => {
    const gate = multiply(context, inner, graph.view(projected));
    const skipped = graph.update(rowsBytes(context, inner), activated);
    return multiply(context, inner, gate, graph.update(rowsBytes(context, inner), result, skipped));
  };
}

function mamba2(context: LayerContext, kind: StateSpaceKind, states: Value, input: Value): () => Value {
  const { graph } = context;
  const { inner, steps } = kind;
  const projected = graph.view(multiply(context, projectedValues(kind), input));
  const activated = convolve(context, kind, projected, states);

  const values = graph.view(activated);
  const time = graph.update(rowsBytes(context, steps), multiply(context, steps, graph.view(projected)));
  const result = scan(context, kind, values, time, graph.view(activated), graph.view(activated));
  return () => {
    const gate = multiply(context, inner, graph.view(projected));
    const skipped = multiply(context, inner, values);
    const gated = multiply(context, inner, gate, graph.update(rowsBytes(context, inner), result, skipped));
    return kind.innerNorms ? graph.view(norm(context, inner, graph.view(gated))) : graph.view(gated);
  };
}
