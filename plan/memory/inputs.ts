/**
 * The inputs of a graph besides weights, caches and the hidden state: masks and cell numbers of each cache, positions,
 * rotations. Without pipelining each input lies among the results, and its memory is reused after its last reader.
 * Source at the pinned commit: `build_attn_inp_kv_impl`, `build_attn_inp_kv_iswa`, `build_inp_pos`, `build_rs_inp` in
 * `src/llama-graph.cpp`.
 */

import { at } from "../../config/collections.ts";
import { hasRotaryPositions } from "../model/architectures.ts";
import type { ModelFacts } from "../model/facts.ts";
import { alignedBytes, type Graph, type Value } from "./graph.ts";
import { cacheCells, cacheRotation, kindOf, usesLatentAttention, valueWidth } from "./kv-cache.ts";
import { graphTokens, type RunSettings } from "./settings.ts";

const F32_BYTES = 4;
const F16_BYTES = 2;
const I32_BYTES = 4;
const I64_BYTES = 8;

/** The inputs of one layer; those of attention are in the order in which it reads them. */
export interface LayerInputs<Input = Value> {
  /** Position of each token. */
  positions: Input;
  keyRotation: Input;
  valueRotation: Input;
  /** Cells of the cache that the keys are written to (`k_idxs`). */
  keyCells: Input;
  /** The same for the values (`v_idxs`): one number for each value if they are stored transposed. */
  valueCells: Input;
  mask: Input;
  /** Where the states of each slot are (`rs_s_copy`). */
  states: Input;
  /** Which tokens have an output (`out_ids`). */
  outputs: Input;
  /** With embeddings: the weight of each token in the mean of its slot. */
  mean: Input;
}

/** Inputs that are read together. Layers with a sliding window have a separate cache. */
export type InputGroup = Cache | "states" | "output";
type Cache = "whole" | "sliding";

/** The inputs of any run of layers, in bytes. */
export interface InputModel {
  /** Bytes of all inputs that a run of layers reads. */
  of(first: number, count: number): number;
  /** Groups that a run of layers reads, in the order of the first read. */
  groups(first: number, count: number, holdsOutput: boolean): InputGroup[];
  /** Bytes of each input of a group; 0 for the inputs of other groups. */
  ofGroup(group: InputGroup): LayerInputs<number>;
  /** Bytes that the output layer reads. */
  output: number;
}

export function inputModel(facts: ModelFacts, settings: RunSettings): InputModel {
  const kinds = facts.layerKinds.ofLayer.map((_, layer) => kindOf(facts, layer));
  const attends = (cache: Cache) =>
    kinds.map((kind, layer) => (kind?.attention ?? null) !== null && cacheOf(facts, layer) === cache);
  const known = [
    ...(["whole", "sliding"] as const).map((cache) => {
      const readers = attends(cache);
      return { group: cache, readers, bytes: cacheInputs(facts, settings, readers.indexOf(true)) };
    }),
    {
      group: "states" as const,
      readers: kinds.map((kind) => (kind?.stateSpace ?? null) !== null),
      bytes: { ...NOTHING, states: settings.slots * I32_BYTES },
    },
  ].map(({ group, readers, bytes }) => ({ group, bytes, next: nextOf(readers) }));
  const read = (first: number, count: number) =>
    known.filter(({ next }) => at(next, first) < first + count).sort((a, b) => at(a.next, first) - at(b.next, first));
  const output = outputInputs(settings);
  return {
    of(first, count) {
      const groups = read(first, count);
      const positions = Math.max(0, ...groups.map(({ bytes }) => bytes.positions));
      return groups.reduce((sum, { bytes }) => sum + totalOf({ ...bytes, positions: 0 }), alignedBytes(positions));
    },
    groups: (first, count, holdsOutput) => [
      ...read(first, count).map(({ group }) => group),
      ...(holdsOutput ? (["output"] as const) : []),
    ],
    ofGroup: (group) => (group === "output" ? output : known.find((one) => one.group === group)?.bytes) ?? NOTHING,
    output: totalOf(output),
  };
}

/** For each layer the first layer from it on that reads. */
function nextOf(readers: readonly boolean[]): number[] {
  const next: number[] = [];
  for (let layer = readers.length - 1; layer >= 0; layer--) {
    next[layer] = readers[layer] === true ? layer : (next[layer + 1] ?? Number.POSITIVE_INFINITY);
  }
  return next;
}

const NOTHING: LayerInputs<number> = {
  positions: 0,
  keyRotation: 0,
  valueRotation: 0,
  keyCells: 0,
  valueCells: 0,
  mask: 0,
  states: 0,
  outputs: 0,
  mean: 0,
};

/** Bytes that the layers of one cache read; `layer` is one of them. All 0 if it has no cache. */
function cacheInputs(facts: ModelFacts, settings: RunSettings, layer: number): LayerInputs<number> {
  if (layer < 0) return NOTHING;
  const tokens = graphTokens(settings);
  const rotation = cacheRotation(facts, settings);
  const widest = Math.max(...facts.heads.map((_, index) => valueWidth(facts, index, settings)));
  const valueNumbers = usesLatentAttention(facts) ? 0 : settings.flashAttention ? 1 : widest;
  return {
    ...NOTHING,
    positions: hasRotaryPositions(facts.architecture) ? tokens * I32_BYTES : 0,
    keyRotation: rotation.keys ** 2 * F32_BYTES,
    valueRotation: rotation.values ** 2 * F32_BYTES,
    keyCells: tokens * I64_BYTES,
    valueCells: tokens * valueNumbers * I64_BYTES,
    mask: tokens * cacheCells(facts, layer, settings) * (settings.flashAttention ? F16_BYTES : F32_BYTES),
  };
}

/** Bytes that the output layer reads. */
function outputInputs(settings: RunSettings): LayerInputs<number> {
  const tokens = graphTokens(settings);
  return settings.everyTokenHasOutput
    ? { ...NOTHING, outputs: tokens * I32_BYTES, mean: tokens * settings.slots * F32_BYTES }
    : { ...NOTHING, outputs: settings.slots * I32_BYTES };
}

function cacheOf(facts: ModelFacts, layer: number): Cache {
  return facts.slidingWindow?.layers[layer] === true ? "sliding" : "whole";
}

function totalOf(inputs: LayerInputs<number>): number {
  return Object.values<number>({ ...inputs }).reduce((sum, bytes) => sum + alignedBytes(bytes), 0);
}

/** The inputs of one graph. They count as outside the buffer until they are placed. */
export class GraphInputs {
  private readonly graph: Graph;
  private readonly facts: ModelFacts;
  private readonly model: InputModel;
  private readonly outside: Value;
  private readonly placed = new Map<InputGroup, Partial<LayerInputs>>();

  constructor(graph: Graph, facts: ModelFacts, model: InputModel) {
    this.graph = graph;
    this.facts = facts;
    this.model = model;
    this.outside = graph.outside();
  }

  /** The inputs of one layer. */
  of(layer: number): LayerInputs {
    const out = this.outside;
    return {
      positions: out,
      keyRotation: out,
      valueRotation: out,
      keyCells: out,
      valueCells: out,
      mask: out,
      states: out,
      outputs: out,
      mean: out,
      ...this.placed.get(cacheOf(this.facts, layer)),
      ...this.placed.get("states"),
      ...this.placed.get("output"),
    };
  }

  /** Allocates the groups that are not allocated yet. */
  place(groups: readonly InputGroup[]): void {
    for (const group of groups) {
      if (this.placed.has(group)) continue;
      const bytes = this.model.ofGroup(group);
      // Both caches read the same positions.
      const known = this.placed.get("whole")?.positions ?? this.placed.get("sliding")?.positions;
      const value = (name: keyof LayerInputs, found?: Value) =>
        bytes[name] === 0 ? {} : { [name]: found ?? this.graph.compute(bytes[name]) };
      this.placed.set(group, {
        ...value("positions", known),
        ...value("keyRotation"),
        ...value("valueRotation"),
        ...value("keyCells"),
        ...value("valueCells"),
        ...value("mask"),
        ...value("states"),
        ...value("outputs"),
        ...value("mean"),
      });
    }
  }

  /** Allocates those of the groups that one layer reads. */
  placeFor(layer: number, groups: readonly InputGroup[]): void {
    const read = this.model.groups(layer, 1, false);
    this.place(groups.filter((group) => read.includes(group)));
  }

  /** All allocated inputs. */
  all(): Value[] {
    return [...this.placed.values()].flatMap((inputs) => Object.values<Value>(inputs));
  }
}
