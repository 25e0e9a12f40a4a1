/** How a small model of an architecture is put together. */

import type { GgufValue, TensorSpecification } from "../../bench/support/gguf-writer.ts";
import { type Widths, wholeModel } from "./tensors.ts";

/** A made-up model: no weights to speak of, but every tensor that llama.cpp asks for. */
export interface MadeUpModel {
  name: string;
  layers: number;
  metadata: Record<string, GgufValue>;
  tensors: TensorSpecification[];
}

const VOCABULARY = 32_000;
export const count = (value: number): GgufValue => ({ type: "uint32", value });
export const real = (value: number): GgufValue => ({ type: "float32", value });
export const numbers = (length: number, of: (layer: number) => number) =>
  Array.from({ length }, (_, layer) => of(layer));

/** Metadata that every architecture wants; `own` is without the architecture's prefix. */
function metadata(
  architecture: string,
  layers: number,
  embd: number,
  own: Readonly<Record<string, GgufValue>>,
): Record<string, GgufValue> {
  const all = {
    block_count: count(layers),
    context_length: count(32_768),
    embedding_length: count(embd),
    vocab_size: count(VOCABULARY),
    ...own,
  };
  return {
    "general.architecture": { type: "string", value: architecture },
    "general.name": { type: "string", value: `Made-up ${architecture}` },
    "tokenizer.ggml.model": { type: "string", value: "no_vocab" },
    ...Object.fromEntries(Object.entries(all).map(([key, value]) => [`${architecture}.${key}`, value])),
  };
}

function attentionKeys(
  { heads, keyValueHeads, headLength }: Widths,
  feedForwardLength: number,
): Record<string, GgufValue> {
  return {
    feed_forward_length: count(feedForwardLength),
    "attention.head_count": count(heads),
    "attention.head_count_kv": count(keyValueHeads),
    "attention.key_length": count(headLength),
    "attention.value_length": count(headLength),
    "rope.dimension_count": count(headLength),
  };
}

export interface Recipe {
  name: string;
  architecture: string;
  layers: number;
  widths: Widths;
  feedForward: number;
  own?: Readonly<Record<string, GgufValue>>;
  layer: (prefix: string, index: number) => TensorSpecification[];
  extra?: TensorSpecification[];
  untied?: boolean;
}

export function make({
  name,
  architecture,
  layers,
  widths,
  feedForward: width,
  own = {},
  layer,
  extra = [],
  untied,
}: Recipe): MadeUpModel {
  return {
    name,
    layers,
    metadata: metadata(architecture, layers, widths.embd, {
      ...attentionKeys(widths, width),
      ...(architecture === "command-r"
        ? { "attention.layer_norm_epsilon": real(1e-5) }
        : { "attention.layer_norm_rms_epsilon": real(1e-5) }),
      ...own,
    }),
    tensors: [
      ...wholeModel(
        widths.embd,
        VOCABULARY,
        numbers(layers, (index) => index).map((index) => layer(`blk.${index}`, index)),
        { untied: untied ?? false },
      ),
      ...extra,
    ],
  };
}

export const dense = (embd: number, heads: number, keyValueHeads: number, headLength = 64): Widths => ({
  embd,
  heads,
  keyValueHeads,
  headLength,
});
