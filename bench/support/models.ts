/** Models for tests: synthetic ones of any shape, and the facts of the real small model that `npm start` downloads. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { factsOf, type ModelFacts } from "../../plan/model/facts.ts";
import { type GgufValue, ggufFile, type TensorSpecification } from "./gguf-writer.ts";

const Q4_1 = 3;
const Q8_0 = 8;
const F32 = 0;

/** Shape of a synthetic model. */
export interface ModelShape {
  architecture?: string;
  layers: number;
  embeddingLength?: number;
  heads?: number;
  keyValueHeads?: number;
  headLength?: number;
  feedForwardLength?: number;
  vocabularyTokens?: number;
  contextTokens?: number;
  /** Whether the output layer has its own weights. */
  hasOutputWeights?: boolean;
  /** Additional metadata, without the architecture's prefix. */
  extra?: Readonly<Record<string, GgufValue>>;
}

type FullShape = Required<ModelShape>;

function full(shape: ModelShape): FullShape {
  return {
    architecture: "llama",
    embeddingLength: 576,
    heads: 9,
    keyValueHeads: 3,
    headLength: 64,
    feedForwardLength: 1536,
    vocabularyTokens: 49_152,
    contextTokens: 8192,
    hasOutputWeights: false,
    extra: {},
    ...shape,
  };
}

function metadataOf(shape: FullShape): Record<string, GgufValue> {
  const own = (values: Readonly<Record<string, GgufValue>>) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [`${shape.architecture}.${key}`, value]));
  const count = (value: number): GgufValue => ({ type: "uint32", value });
  return {
    "general.architecture": { type: "string", value: shape.architecture },
    "general.name": { type: "string", value: "Made up" },
    ...own({
      block_count: count(shape.layers),
      context_length: count(shape.contextTokens),
      embedding_length: count(shape.embeddingLength),
      feed_forward_length: count(shape.feedForwardLength),
      "attention.head_count": count(shape.heads),
      "attention.head_count_kv": count(shape.keyValueHeads),
      "attention.key_length": count(shape.headLength),
      "attention.value_length": count(shape.headLength),
      vocab_size: count(shape.vocabularyTokens),
      ...shape.extra,
    }),
  };
}

function tensorsOf(shape: FullShape): TensorSpecification[] {
  const { embeddingLength: embd, feedForwardLength: ff, vocabularyTokens, heads, keyValueHeads, headLength } = shape;
  const matrix = (name: string, rows: number, columns: number, dtype = Q4_1) => ({
    name,
    shape: [rows, columns],
    dtype,
  });
  const vector = (name: string) => ({ name, shape: [embd], dtype: F32 });
  const layer = (index: number) => [
    vector(`blk.${index}.attn_norm.weight`),
    matrix(`blk.${index}.attn_q.weight`, embd, heads * headLength),
    matrix(`blk.${index}.attn_k.weight`, embd, keyValueHeads * headLength),
    matrix(`blk.${index}.attn_v.weight`, embd, keyValueHeads * headLength),
    matrix(`blk.${index}.attn_output.weight`, heads * headLength, embd),
    vector(`blk.${index}.ffn_norm.weight`),
    matrix(`blk.${index}.ffn_gate.weight`, embd, ff),
    matrix(`blk.${index}.ffn_up.weight`, embd, ff),
    matrix(`blk.${index}.ffn_down.weight`, ff, embd),
  ];
  return [
    matrix("token_embd.weight", embd, vocabularyTokens, Q8_0),
    ...Array.from({ length: shape.layers }, (_, index) => layer(index)).flat(),
    vector("output_norm.weight"),
    ...(shape.hasOutputWeights ? [matrix("output.weight", embd, vocabularyTokens, Q8_0)] : []),
  ];
}

/** The bytes of a synthetic model's file. `withWeights` adds the weights. */
export function modelFile(shape: ModelShape, options = { withWeights: false }): Buffer {
  return ggufFile(metadataOf(full(shape)), tensorsOf(full(shape)), options);
}

/** A synthetic model in several files, as `llama-gguf-split` writes it: tensors in all files, metadata in the first. */
export function splitModelFiles(shape: ModelShape, parts: number): Map<string, Buffer> {
  const tensors = tensorsOf(full(shape));
  const size = Math.ceil(tensors.length / parts);
  const digits = (value: number) => String(value).padStart(5, "0");
  return new Map(
    Array.from({ length: parts }, (_, index) => {
      const split: Record<string, GgufValue> = {
        "split.no": { type: "uint32", value: index },
        "split.count": { type: "uint32", value: parts },
        "split.tensors.count": { type: "uint32", value: tensors.length },
      };
      const metadata = index === 0 ? { ...metadataOf(full(shape)), ...split } : split;
      const own = tensors.slice(index * size, (index + 1) * size);
      return [`model-${digits(index + 1)}-of-${digits(parts)}.gguf`, ggufFile(metadata, own, { withWeights: false })];
    }),
  );
}

/** The facts of a synthetic model, without a file. */
export function modelFacts(shape: ModelShape): ModelFacts {
  const metadata = Object.entries(metadataOf(full(shape))).map(([key, { value }]) => [key, value]);
  const header = {
    metadata: Object.fromEntries(metadata),
    tensorInfos: tensorsOf(full(shape)),
    tensorDataOffset: 4096,
  };
  const facts = factsOf(header, { source: "made-up.gguf", file: null, fileName: "made-up.gguf", fileBytes: 0 });
  const { layerBytes, inputBytes, outputBytes, headerBytes } = facts.weights;
  return {
    ...facts,
    fileBytes: headerBytes + inputBytes + outputBytes + layerBytes.reduce((sum, bytes) => sum + bytes, 0),
  };
}

/** File name of the small model that `npm start` downloads. */
export const SMALL_MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf";

/** Facts of {@link SMALL_MODEL}, stored so that tests need no download. A test compares them with the file if it exists. */
export function smallModelFacts(): ModelFacts {
  const kept = readFileSync(join(import.meta.dirname, "./small-model-facts.json"), "utf8");
  return JSON.parse(kept) as ModelFacts;
}
