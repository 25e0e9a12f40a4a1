/**
 * Bytes of the compute buffers: what llama.cpp reserves for the biggest graph of a device. `layers/` describes the graph
 * of the layers. `graph.ts`, a port of ggml's allocator, places it. This file adds what comes from other devices.
 * `test/oracle` compares the result with llama.cpp's own numbers.
 * Source at the pinned commit: `llama_context::sched_reserve` in `src/llama-context.cpp`, `ggml_backend_sched_split_graph`
 * in `ggml/src/ggml-backend.cpp` (copies of the inputs).
 */

import { at, memoize } from "../../config/collections.ts";
import { scalesEmbeddings } from "../model/architectures.ts";
import type { ModelFacts } from "../model/facts.ts";
import type { LayerKind, StateSpaceKind } from "../model/layer-kinds.ts";
import { Graph, type Value } from "./graph.ts";
import { GraphInputs, type InputGroup, type InputModel, inputModel } from "./inputs.ts";
import { cacheCells, kindOf } from "./kv-cache.ts";
import { type LayerContext, layerContext, rowsBytes } from "./layers/context.ts";
import { sumOfExperts } from "./layers/feed-forward.ts";
import { addLayer, addOutput, type LayerInput } from "./layers/layer.ts";
import { keptStates, projectedValues } from "./layers/state-space.ts";
import { graphTokens, type RunSettings } from "./settings.ts";

const F32_BYTES = 4;
const I32_BYTES = 4;
/** With pipelining the scheduler keeps this many copies of every input (`GGML_SCHED_MAX_COPIES`). */
const PIPELINE_COPIES = 4;
/** Numbers of layers that are simulated together: the offsets of results, and so the gaps, depend on the layers before. */
const WINDOWS = [1, 2, 3, 5];
/** Up to this number, all layers of a device are simulated together. */
const WHOLE_LAYERS = 5;
/** Safety factor on the computed bytes of a layer whose architecture the planner does not know. */
const UNKNOWN_FACTOR = 1.3;

/** Consecutive layers on one device. */
export interface DeviceLayers {
  first: number;
  count: number;
  holdsOutput: boolean;
  /** Whether the front computes the layers before these. @default false */
  followsFront?: boolean;
}

/** Bytes of the compute buffers for any run of layers. What does not depend on the run is computed once. */
export interface ComputeModel {
  /** Bytes of the compute buffer of a device that holds these layers. */
  device(layers: DeviceLayers, pipelined: boolean): number;
  /** Bytes of the compute buffer of the front's CPU: the graph's inputs, and the front's own layers if it has any. */
  front(layers: DeviceLayers, pipelined: boolean): number;
}

export function computeModel(facts: ModelFacts, settings: RunSettings): ComputeModel {
  const embeddings = graphTokens(settings) * facts.embeddingLength * F32_BYTES;
  const inputs = inputModel(facts, settings);
  const work = layerWork(facts, settings, inputs);
  const copiesOf = (pipelined: boolean) => (pipelined ? PIPELINE_COPIES : 1);
  return {
    device: onceForEachRun(facts.layers, ({ first, count, holdsOutput, followsFront = false }, pipelined) => {
      if (!pipelined) {
        // Without copies the inputs lie among the results, and their memory is reused.
        const follows = followsFront ? "front" : "device";
        return work(first, count, { kind: "handed", follows, groups: inputs.groups(first, count, holdsOutput) });
      }
      const boundary = boundaryOf(facts, settings, first, count);
      const isOwn = (first === 0 && scalesEmbeddings(facts.architecture)) || boundary.joining > 0;
      const outside = inputs.of(first, count) + embeddings + boundary.arriving + boundary.returning + boundary.joining;
      const output = holdsOutput ? inputs.output : 0;
      return PIPELINE_COPIES * (outside + output) + work(first, count, isOwn ? OWN : OUTSIDE);
    }),
    front({ count }, pipelined) {
      // Besides the inputs of the layers: the tokens, and the embeddings that a request may contain instead of tokens.
      const all = inputs.of(0, facts.layers) + inputs.output + graphTokens(settings) * I32_BYTES + embeddings;
      return copiesOf(pipelined) * all + (count > 0 ? work(0, count, OWN) : embeddings);
    },
  };
}

/**
 * Computes each run once: a split asks for most of the runs, and a search splits many times. A string key would take
 * longer than the look-up, so a run and its three flags are packed into one index, as in an array `[flags][first][count]`:
 *
 *     flags = holdsOutput + 2 × followsFront + 4 × pipelined          0 to 7
 *     width = layers + 1                                              because `count` goes from 0 to `layers`
 *     key   = (flags × width + first) × width + count                 below 8 × width × width
 *
 * Example with 4 layers, so width 5: layers 1 and 2 (first 1, count 2), pipelined (flags 4) have
 * key (4 × 5 + 1) × 5 + 2 = 107, and 107 is unpacked as 107 % 5 = 2 (count), 21 % 5 = 1 (first), 21 / 5 → 4 (flags).
 */
function onceForEachRun(layers: number, ask: ComputeModel["device"]): ComputeModel["device"] {
  const width = layers + 1;
  const unasked = -1;
  const known = new Float64Array(8 * width * width).fill(unasked);
  return (run, pipelined) => {
    const flags = (run.holdsOutput ? 1 : 0) + (run.followsFront === true ? 2 : 0) + (pipelined ? 4 : 0);
    const key = (flags * width + run.first) * width + run.count;
    const found = at(known, key);
    if (found !== unasked) return found;
    const bytes = ask(run, pipelined);
    known[key] = bytes;
    return bytes;
  };
}

/** Where a run of layers gets its first hidden state from. */
type Start =
  /** The same device computes it. */
  | { kind: "own" }
  /** It lies outside the buffer that is counted here. */
  | { kind: "outside" }
  | Handed;

/**
 * The device before hands it over: it is copied in with all other inputs, each once. `itself` stands for the middle of a
 * device's layers, where the device has computed it and the inputs lie beside it.
 */
interface Handed {
  kind: "handed";
  follows: "front" | "device" | "itself";
  groups: readonly InputGroup[];
}

const OWN: Start = { kind: "own" };
const OUTSIDE: Start = { kind: "outside" };

/**
 * The most bytes that the layers of a run need at once. Only the hidden state is alive between two layers, so it is
 * enough to simulate a few neighbours at a time. Runs that compute the same are simulated once.
 */
function layerWork(
  facts: ModelFacts,
  settings: RunSettings,
  inputs: InputModel,
): (first: number, count: number, start: Start) => number {
  const factor = facts.architectureKnown ? 1 : UNKNOWN_FACTOR;
  const shapes = shapesOf(facts, settings);
  const shapePeak = memoize(
    (window: Window) => Math.ceil(factor * graphOf(facts, settings, inputs, window).peakBytes()),
    // The first layer after another device also depends on that device's last layer.
    ({ from, to, start, isWhole }) =>
      `${keyOf(start)} ${isWhole} ${shapes.slice(Math.max(0, from - 1), to + 1).join()} ${from === 0}`,
  );
  // Building a key takes longer than looking it up, so the key of each window is built once.
  const peaksOf = memoize(
    (_: Start) => memoize(shapePeak, ({ from, to, isWhole }) => (from * facts.layers + to) * 2 + (isWhole ? 1 : 0)),
    keyOf,
  );
  const peak = (from: number, to: number, start: Start, isWhole: boolean): number =>
    peaksOf(start)({ from, to, start, isWhole });
  /** For each width: the most bytes that a window of this width needs, for any first layer. */
  const tables = (start: Start) =>
    WINDOWS.map((width) => {
      const last = (layer: number) => Math.min(layer + width, shapes.length) - 1;
      return { width, most: rangeMaximum(shapes.map((_, layer) => peak(layer, last(layer), start, false))) };
    });
  const tablesOf = memoize(tables, keyOf);
  return (first, count, start) => {
    if (count === 0) return 0;
    if (count <= WHOLE_LAYERS) return peak(first, first + count - 1, start, true);
    const inner = tablesOf(start.kind === "handed" ? { ...start, follows: "itself" } : OWN);
    const peaks = inner.map(({ width, most }) =>
      Math.max(peak(first, first + width - 1, start, false), most(first + 1, count - width)),
    );
    return Math.max(...peaks);
  };
}

/** A number for each layer; layers that need the same memory have the same number. */
function shapesOf(facts: ModelFacts, settings: RunSettings): number[] {
  const numbers = new Map<string, number>();
  return facts.heads.map((heads, layer) => {
    const key = [
      facts.layerKinds.ofLayer[layer],
      heads,
      facts.keyValueHeads[layer],
      facts.keyLengths[layer],
      facts.valueLengths[layer],
      cacheCells(facts, layer, settings),
      layer === facts.layers - 1,
    ].join();
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
}

function keyOf(start: Start): string {
  return start.kind === "handed" ? `${start.follows} ${start.groups.join("+")}` : start.kind;
}

/** Layers that are simulated together, and how they begin. */
interface Window {
  from: number;
  to: number;
  start: Start;
  /** Whether these are all layers of the device: then the memory of an input is reused after its last reader. */
  isWhole: boolean;
}

function graphOf(facts: ModelFacts, settings: RunSettings, model: InputModel, window: Window): Graph {
  const { from, to, start, isWhole } = window;
  const graph = new Graph();
  const inputs = new GraphInputs(graph, facts, model);
  const contextOf = (layer: number) => layerContext(graph, facts, settings, layer, inputs.of(layer));
  let input = startOf(() => contextOf(from), inputs, start);
  for (let layer = from; layer <= to; layer++) {
    const context = contextOf(layer);
    input = addLayer(context, input, layer < to ? contextOf(layer + 1) : null);
    if (layer === facts.layers - 1) addOutput(context, input.hidden);
  }
  // Conservative: keep the last hidden state alive although llama.cpp may reuse it. It is at most one row too much.
  graph.store(input.hidden, ...(isWhole ? [] : inputs.all()));
  return graph;
}

/** The input of the first layer. The calls follow the order in which the scheduler allocates. */
function startOf(contextNow: () => LayerContext, inputs: GraphInputs, start: Start): LayerInput {
  const context = contextNow();
  const { graph, layer } = context;
  const embeddings = rowsBytes(context, context.facts.embeddingLength);
  if (start.kind === "own") {
    const states = layer === 0 ? null : fetchStates(context);
    return { hidden: graph.compute(embeddings), states };
  }
  if (start.kind === "outside") return { hidden: graph.outside(), states: null };
  if (layer === 0) {
    const hidden = graph.compute(embeddings);
    inputs.place(start.groups);
    return { hidden, states: null };
  }
  return handedOver(contextNow, inputs, start);
}

/** The recurrent part of a layer without attention; null for any other layer. */
function recurrentOf(kind: LayerKind | undefined): StateSpaceKind | null {
  return kind?.attention === null ? kind.stateSpace : null;
}

/** The states of a recurrent layer, which fetches them before it has its input; null for any other layer. */
function fetchStates(context: LayerContext): Value | null {
  const kind = recurrentOf(kindOf(context.facts, context.layer));
  return kind === null ? null : keptStates(context, kind);
}

/**
 * The input of the first layer of a device that follows other layers. The scheduler cuts the graph within layer n - 1,
 * because an operation without weights may run on either device. The order of the calls is the order in which the
 * scheduler allocates, and that order decides where gaps are. Two examples with dense layers, n = 4:
 *
 *     Layers 0 to 3 on the front. The last addition of layer 3 has no weights and runs on RPC0:
 *
 *       layer 3, front                ┊  RPC0
 *       feed-forward ─── last ────────┊─▶ add ─▶ norm ─▶ layer 4
 *       residual ─────────────────────┊────┘
 *       allocated on RPC0, in order:     last │ residual │ masks, positions, …      then `add` writes over `last`
 *
 *     Layer 3 on RPC0, layer 4 on RPC1. RPC0 begins the norm, which has weights only in its last multiplication:
 *
 *       layer 3, RPC0                 ┊  RPC1
 *       hidden ─▶ norm ─── normed ────┊─▶ × weights ─▶ attention of layer 4 ─▶ add
 *       hidden ───────────────────────┊────────────────────────────────────────┘
 *       allocated on RPC1, in order:     normed │ inputs of layer 4 │ hidden │ the other inputs
 *
 * Variants: after a front layer with experts, `last` holds the results of all chosen experts, and their weights come with
 * it; with a shared expert, `last` is their sum, and the shared expert's result comes with it. Before a recurrent layer 4,
 * its states are fetched before layer 3 ends.
 */
function handedOver(contextNow: () => LayerContext, inputs: GraphInputs, { follows, groups }: Handed): LayerInput {
  const context = contextNow();
  const { graph, facts, layer } = context;
  const embeddings = rowsBytes(context, facts.embeddingLength);
  const kind = kindOf(facts, layer);
  const before = kindOf(facts, layer - 1);
  const recurrent = follows === "itself" ? null : recurrentOf(kind);
  const experts = before?.feedForward?.experts ?? null;
  const fetch = () => fetchStates(contextNow());
  const isFetchedEarly = recurrent !== null && experts === null;
  if (isFetchedEarly) inputs.place(["states"]);
  const early = isFetchedEarly ? passGate(context, before, fetch) : null;

  if (follows === "front" || (recurrent !== null && experts !== null)) {
    // The last operations of the layer before have no weights: they run on the device that follows.
    const summands = follows === "front" && experts?.sharedWidth === 0 ? experts.used : 1;
    const last = graph.compute(summands * embeddings);
    const weights = summands === 1 ? null : graph.compute(rowsBytes(context, summands));
    const shared = follows === "front" && experts !== null && summands === 1 ? graph.compute(embeddings) : null;
    const residual = graph.compute(embeddings);
    inputs.place(groups);
    const mixed = weights === null ? last : sumOfExperts(context, summands, last, weights);
    const sum = shared === null ? mixed : graph.update(embeddings, mixed, shared);
    const states = early ?? fetch();
    return { hidden: graph.update(embeddings, sum, residual), states };
  }
  // The device before has begun the norm, if there is one. The layer reads the residual after its inputs.
  const normed = kind?.preNorm === false ? undefined : graph.compute(embeddings);
  if (normed !== undefined) inputs.placeFor(layer, groups);
  const hidden = graph.compute(embeddings);
  inputs.place(groups);
  return normed === undefined ? { hidden, states: early } : { hidden, normed, states: early };
}

/**
 * Between two recurrent layers, the device of the second makes the gate of the first contiguous. The gate arrives with
 * the other values of its rows in between, and returns in one piece.
 */
function passGate<Fetched>(context: LayerContext, before: LayerKind | undefined, fetch: () => Fetched): Fetched {
  const { graph, tokens } = context;
  const ending = recurrentOf(before);
  if (ending === null) return fetch();
  const arriving = graph.compute(gateBytes(tokens, ending));
  const states = fetch();
  graph.store(graph.compute(rowsBytes(context, ending.inner), arriving));
  return states;
}

/** Bytes of a gate that is not contiguous: from its first value in the first row to its last value in the last row. */
function gateBytes(tokens: number, kind: StateSpaceKind): number {
  return ((tokens - 1) * projectedValues(kind) + kind.inner) * F32_BYTES;
}

/** The largest of `count` values from `first` on, for any run. Uses a table of the maxima of runs of 1, 2, 4, … values. */
function rangeMaximum(values: readonly number[]): (first: number, count: number) => number {
  const levels = [[...values]];
  for (let width = 2; width <= values.length; width *= 2) {
    const below = at(levels, -1);
    const half = width / 2;
    levels.push(
      Array.from({ length: values.length - width + 1 }, (_, index) =>
        Math.max(at(below, index), at(below, index + half)),
      ),
    );
  }
  return (first, count) => {
    const level = Math.floor(Math.log2(count));
    const row = at(levels, level);
    return Math.max(at(row, first), at(row, first + count - 2 ** level));
  };
}

/**
 * Bytes that cross the boundaries of a run of recurrent layers. Between two recurrent layers on different devices the
 * scheduler splits within the layers: the first layer reads its gate only after the second has begun. So the gate is
 * copied to the second device with the other values of its rows in between (`arriving`), and returns in one piece
 * (`returning`). After a layer with experts only the last sum is left, and both of its parts are copied (`joining`).
 */
function boundaryOf(
  facts: ModelFacts,
  settings: RunSettings,
  first: number,
  count: number,
): { arriving: number; returning: number; joining: number } {
  const tokens = graphTokens(settings);
  const recurrent = (layer: number) => recurrentOf(kindOf(facts, layer));
  const hasExperts = (layer: number) => (kindOf(facts, layer)?.feedForward?.experts ?? null) !== null;
  const ending = (layer: number) => (hasExperts(layer) ? null : recurrent(layer));
  const [before, last] = [ending(first - 1), ending(first + count - 1)];
  const [own, next] = [recurrent(first), recurrent(first + count)];
  const rows = (values: number) => tokens * values * F32_BYTES;
  return {
    arriving: before && own ? gateBytes(tokens, before) : 0,
    returning: last && next ? rows(last.inner) : 0,
    joining: own && hasExperts(first - 1) ? rows(facts.embeddingLength) : 0,
  };
}
