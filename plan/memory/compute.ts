/**
 * Bytes of the compute buffers: what llama.cpp reserves for the biggest graph of a device. The graph of the layers is
 * written down in `layers/` and placed by a port of ggml's allocator (`graph.ts`); what comes from other devices is added
 * here. Measured against llama.cpp's own numbers by `test/oracle`.
 * Source at the pinned commit: `llama_context::sched_reserve` in `src/llama-context.cpp`, `ggml_backend_sched_split_graph`
 * in `ggml/src/ggml-backend.cpp` (copies of the inputs).
 */

import { hasRotaryPositions, scalesEmbeddings } from "../model/architectures.ts";
import type { ModelFacts } from "../model/facts.ts";
import { Graph, type Value } from "./graph.ts";
import { cacheCells, cacheRotation, kindOf, usesLatentAttention, valueWidth } from "./kv-cache.ts";
import { type LayerContext, layerContext } from "./layers/context.ts";
import { sumOfExperts } from "./layers/feed-forward.ts";
import { addLayer, addOutput, type LayerInput } from "./layers/layer.ts";
import { projectedValues } from "./layers/state-space.ts";
import { graphTokens, type RunSettings } from "./settings.ts";

const F32_BYTES = 4;
const F16_BYTES = 2;
const I32_BYTES = 4;
const I64_BYTES = 8;
/** With pipelining the scheduler keeps this many copies of every input (`GGML_SCHED_MAX_COPIES`). */
const PIPELINE_COPIES = 4;
/** Layers that are looked at together: where results lie, and so the gaps between them, depends on the layers before. */
const WINDOWS = [1, 2, 3, 5];
/** States, indices and the like that are too small to be written down. */
const SMALL_RESULTS_BYTES = 64 * 1024;
/** How much more than its tensors tell is assumed for a layer of an architecture that the planner does not know. */
const UNKNOWN_FACTOR = 1.3;

/** Consecutive layers on one device. */
export interface DeviceLayers {
  first: number;
  count: number;
  holdsOutput: boolean;
  /** Whether the layers before are the front's own. @default false */
  followsFront?: boolean;
}

/** Answers what any run of layers needs; what does not depend on the run is worked out once. */
export interface ComputeModel {
  /** Compute buffer of a device that holds some layers. */
  device(layers: DeviceLayers, pipelined: boolean): number;
  /** Compute buffer of the front's CPU: the graph's inputs, and the layers that it computes itself if there are any. */
  front(layers: DeviceLayers, pipelined: boolean): number;
}

export function computeModel(facts: ModelFacts, settings: RunSettings): ComputeModel {
  const embeddings = graphTokens(settings) * facts.embeddingLength * F32_BYTES;
  const work = layerWork(facts, settings);
  const inputs = inputModel(facts, settings);
  const copiesOf = (pipelined: boolean) => (pipelined ? PIPELINE_COPIES : 1);
  return {
    device({ first, count, holdsOutput, followsFront = false }, pipelined) {
      const boundary = boundaryOf(facts, settings, first, count);
      const output = holdsOutput ? inputs.output : 0;
      if (!pipelined) {
        // Without copies the inputs lie among the results, and their place is used again.
        const start = {
          kind: "handed",
          isNormed: first > 0,
          followsFront,
          inputBytes: inputs.of(first, count),
        } as const;
        return output + (boundary.arriving > 0 ? boundary.passing : 0) + work(first, count, start);
      }
      const isOwn = (first === 0 && scalesEmbeddings(facts.architecture)) || boundary.joining > 0;
      const outside = inputs.of(first, count) + embeddings + boundary.arriving + boundary.returning + boundary.joining;
      return PIPELINE_COPIES * (outside + output) + work(first, count, isOwn ? OWN : OUTSIDE);
    },
    front({ count }, pipelined) {
      // Besides what the layers use, the tokens and the embeddings that a request may bring instead of them.
      const all = inputs.of(0, facts.layers) + inputs.output + graphTokens(settings) * I32_BYTES + embeddings;
      const boundary = boundaryOf(facts, settings, 0, count).returning > 0 ? embeddings : 0;
      return boundary + copiesOf(pipelined) * all + (count > 0 ? work(0, count, OWN) : embeddings);
    },
  };
}

/** Where the hidden state comes from that a run of layers starts with. */
type Start =
  /** Computed on the same device. */
  | { kind: "own" }
  /** Kept outside of what is counted here. */
  | { kind: "outside" }
  /** Copied in with all other inputs, each once; by another device that has begun the first norm already, or not. */
  | { kind: "handed"; isNormed: boolean; followsFront: boolean; inputBytes: number };

const OWN: Start = { kind: "own" };
const OUTSIDE: Start = { kind: "outside" };

/**
 * Most bytes that the layers of a run need at once. Between two layers only the hidden state is alive, so that looking at
 * a few neighbours at a time is enough; runs that compute the same are looked at once.
 */
function layerWork(facts: ModelFacts, settings: RunSettings): (first: number, count: number, start: Start) => number {
  const factor = facts.architectureKnown ? 1 : UNKNOWN_FACTOR;
  const shapes = shapesOf(facts, settings);
  const known = new Map<string, number>();
  const peak = (from: number, to: number, start: Start): number => {
    // What follows the front depends on the front's last layer too.
    const key = `${keyOf(start)} ${shapes.slice(Math.max(0, from - 1), to + 1).join()} ${from === 0}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const bytes = Math.ceil(factor * graphOf(facts, settings, from, to, start).peakBytes());
    known.set(key, bytes);
    return bytes;
  };
  /** For each width: the peak of so many layers from each layer on, and the most of any within a run. */
  const tables = (start: Start) =>
    WINDOWS.map((width) => {
      const peaks = shapes.map((_, layer) => peak(layer, Math.min(layer + width, shapes.length) - 1, start));
      return { width, peaks, most: rangeMaximum(peaks) };
    });
  const tablesOf = remembered(keyOf, tables);
  return (first, count, start) => {
    if (count === 0) return 0;
    // Only the first layer of a device follows the front.
    const inner = tablesOf(start.kind === "handed" ? { ...start, followsFront: false } : OWN);
    const own = tablesOf(start);
    const peaks = inner.map(({ width, most }, index) => {
      const beginning = count < width ? peak(first, first + count - 1, start) : (own[index]?.peaks[first] ?? 0);
      return count > width ? Math.max(beginning, most(first + 1, count - width)) : beginning;
    });
    return SMALL_RESULTS_BYTES + Math.max(...peaks);
  };
}

/** A number for each layer, the same for layers that need the same. */
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
  return start.kind === "handed" ? `${start.isNormed} ${start.followsFront} ${start.inputBytes}` : start.kind;
}

/** A function that works out each answer once. */
function remembered<Question, Answer>(key: (of: Question) => string, answer: (of: Question) => Answer) {
  const known = new Map<string, Answer>();
  return (of: Question): Answer => {
    const found = known.get(key(of)) ?? answer(of);
    known.set(key(of), found);
    return found;
  };
}

function graphOf(facts: ModelFacts, settings: RunSettings, from: number, to: number, start: Start): Graph {
  const graph = new Graph();
  const embeddings = graphTokens(settings) * facts.embeddingLength * F32_BYTES;
  const { input: begun, kept } = startOf(graph, layerContext(graph, facts, settings, from), start, embeddings);
  let input = begun;
  for (let layer = from; layer <= to; layer++) {
    const context = layerContext(graph, facts, settings, layer);
    const next = layer < to ? layerContext(graph, facts, settings, layer + 1) : null;
    input = addLayer(context, input, next);
    if (layer === facts.layers - 1) addOutput(context, input.hidden);
  }
  graph.store(input.hidden, ...kept);
  return graph;
}

/** What the first layer finds, and the inputs that are kept to the end; in the order in which they are placed. */
function startOf(
  graph: Graph,
  context: LayerContext,
  start: Start,
  embeddings: number,
): { input: LayerInput; kept: Value[] } {
  if (start.kind === "own") return { input: { hidden: graph.compute(embeddings), states: null }, kept: [] };
  if (start.kind === "outside") return { input: { hidden: graph.outside(), states: null }, kept: [] };
  const experts = start.followsFront ? kindOf(context.facts, context.layer - 1)?.feedForward?.experts : null;
  if (experts) {
    // The last sum of the front's layer has no weights: it falls to the device, which gets the results of all experts.
    const results = graph.compute(experts.used * embeddings);
    const residual = graph.compute(embeddings);
    const inputs = graph.compute(start.inputBytes);
    const sum = sumOfExperts(context, experts.used, results, graph.outside());
    return { input: { hidden: graph.update(embeddings, sum, residual), states: null }, kept: [inputs] };
  }
  if (!start.isNormed) {
    const hidden = graph.compute(embeddings);
    return { input: { hidden, states: null }, kept: [graph.compute(start.inputBytes)] };
  }
  const normed = graph.compute(embeddings);
  const inputs = graph.compute(start.inputBytes);
  return { input: { hidden: graph.compute(embeddings), normed, states: null }, kept: [inputs] };
}

/** Largest of `count` values from `first` on, for any run: a table of the maxima of runs of 1, 2, 4, … values. */
function rangeMaximum(values: readonly number[]): (first: number, count: number) => number {
  const levels = [[...values]];
  for (let width = 2; width <= values.length; width *= 2) {
    const below = levels.at(-1) ?? [];
    const half = width / 2;
    levels.push(
      Array.from({ length: values.length - width + 1 }, (_, index) =>
        Math.max(below[index] ?? 0, below[index + half] ?? 0),
      ),
    );
  }
  return (first, count) => {
    const level = Math.floor(Math.log2(count));
    const row = levels[level] ?? [];
    return Math.max(row[first] ?? 0, row[first + count - 2 ** level] ?? 0);
  };
}

/**
 * Bytes of the inputs that a run of layers reads: masks and cell numbers of each cache that it uses, positions, rotations.
 * (`build_attn_inp_kv_impl`, `build_attn_inp_kv_iswa`, `build_inp_pos`, `build_rs_inp` in `src/llama-graph.cpp`)
 */
function inputModel(
  facts: ModelFacts,
  settings: RunSettings,
): { of: (first: number, count: number) => number; output: number } {
  const tokens = graphTokens(settings);
  const maskBytes = settings.flashAttention ? F16_BYTES : F32_BYTES;
  const rotation = cacheRotation(facts, settings);
  const widest = Math.max(...facts.heads.map((_, layer) => valueWidth(facts, layer, settings)));
  const valueNumbers = usesLatentAttention(facts) ? 0 : settings.flashAttention ? 1 : widest;
  const cacheBytes = (layer: number) =>
    tokens * (cacheCells(facts, layer, settings) * maskBytes + I64_BYTES * (1 + valueNumbers)) +
    (rotation.keys ** 2 + rotation.values ** 2) * F32_BYTES;

  const isAttending = facts.layerKinds.ofLayer.map((_, layer) => (kindOf(facts, layer)?.attention ?? null) !== null);
  const isSliding = facts.slidingWindow?.layers ?? [];
  const layersUpTo = (test: (layer: number) => boolean) =>
    runningSums(isAttending.map((_, layer) => (test(layer) ? 1 : 0)));
  const whole = layersUpTo((layer) => isAttending[layer] === true && isSliding[layer] !== true);
  const sliding = layersUpTo((layer) => isAttending[layer] === true && isSliding[layer] === true);
  const [wholeBytes, slidingBytes] = [whole, sliding].map((sums) => {
    const layer = sums.findIndex((sum) => sum > 0) - 1;
    return layer < 0 ? 0 : cacheBytes(layer);
  });
  const uses = (sums: readonly number[], first: number, count: number) =>
    (sums[first + count] ?? 0) > (sums[first] ?? 0);
  return {
    of(first, count) {
      const [usesWhole, usesSliding] = [uses(whole, first, count), uses(sliding, first, count)];
      const positions = (usesWhole || usesSliding) && hasRotaryPositions(facts.architecture) ? tokens * I32_BYTES : 0;
      return (
        (usesWhole ? (wholeBytes ?? 0) : 0) +
        (usesSliding ? (slidingBytes ?? 0) : 0) +
        positions +
        settings.slots * I32_BYTES
      );
    },
    // Which tokens have an output; with embeddings also the weights of their mean.
    output: settings.everyTokenHasOutput
      ? tokens * (I32_BYTES + settings.slots * F32_BYTES)
      : settings.slots * I32_BYTES,
  };
}

/**
 * Between two recurrent layers on different devices the scheduler splits within the layers: the end of the first reads its
 * gate only after the second has begun, so that the gate is copied to the second device as it lies, between the other
 * values of its row (`arriving`), and comes back in one piece (`returning`). After a layer with experts only its last sum
 * is left, of which both parts are copied (`joining`). What passes by where nothing is kept in copies is `passing`.
 */
function boundaryOf(
  facts: ModelFacts,
  settings: RunSettings,
  first: number,
  count: number,
): { arriving: number; returning: number; joining: number; passing: number } {
  const tokens = graphTokens(settings);
  const recurrent = (layer: number) => {
    const kind = kindOf(facts, layer);
    return kind?.attention === null ? kind.stateSpace : null;
  };
  const hasExperts = (layer: number) => (kindOf(facts, layer)?.feedForward?.experts ?? null) !== null;
  const ending = (layer: number) => (hasExperts(layer) ? null : recurrent(layer));
  const [before, last] = [ending(first - 1), ending(first + count - 1)];
  const [own, next] = [recurrent(first), recurrent(first + count)];
  const rows = (values: number) => tokens * values * F32_BYTES;
  return {
    arriving: before && own ? ((tokens - 1) * projectedValues(before) + before.inner) * F32_BYTES : 0,
    returning: last && next ? rows(last.inner) : 0,
    joining: own && hasExperts(first - 1) ? rows(facts.embeddingLength) : 0,
    passing: own ? rows(own.inner + facts.embeddingLength) : 0,
  };
}

function runningSums(values: readonly number[]): number[] {
  const sums = [0];
  for (const value of values) sums.push((sums.at(-1) ?? 0) + value);
  return sums;
}
