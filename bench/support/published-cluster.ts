/**
 * The only published llama.cpp RPC cluster on AWS with all details: Llama 3.1 405B Q4_0 on 3 × c8g.16xlarge. One machine
 * is the front and also computes layers. Every number is from the log in Arm's learning path "Distributed
 * inference with llama.cpp" (content/learning-paths/servers-and-cloud-computing/distributed-inference-with-llama-cpp/
 * how-to-3.md of ArmDeveloperEcosystem/arm-learning-paths at 0b0465f); its llama.cpp is b5935.
 */

import { factsOf, type ModelFacts } from "../../plan/model/facts.ts";
import type { GgufHeader } from "../../plan/model/metadata.ts";
import type { GgufValue, TensorSpecification } from "./gguf-writer.ts";

const F32 = 0;
const Q4_0 = 2;
const Q6_K = 14;
const LAYERS = 126;
const EMBEDDING = 16_384;
const FEED_FORWARD = 53_248;
const VOCABULARY = 128_256;
const KEY_VALUES = 8 * 128;

/** The numbers of the log. */
export const PUBLISHED = {
  machine: "c8g.16xlarge",
  contextTokens: 4096,
  microBatchTokens: 512,
  batchTokens: 2048,
  fileGibibytes: 213.13,
  /** Layers in the order of the devices: two backends, the front. */
  layers: [50, 49, 27],
  kvMebibytes: [800, 784, 432],
  computeMebibytes: [1160, 1160, 1160.01],
  loadSeconds: 1796.75,
  decodeTokensPerSecond: 1.64,
  /** A prompt of five tokens. */
  promptTokens: 5,
  promptSeconds: 1.926,
} as const;

/** Types of the weights. */
interface WeightTypes {
  matrices: number;
  output: number;
}

/** Metadata and tensors of a model as wide as the published one. */
export function publishedShape(
  layers: number,
  { matrices, output }: WeightTypes,
): { metadata: Record<string, GgufValue>; tensors: TensorSpecification[] } {
  const count = (value: number): GgufValue => ({ type: "uint32", value });
  const metadata: Record<string, GgufValue> = {
    "general.architecture": { type: "string", value: "llama" },
    "general.name": { type: "string", value: "Llama Hf" },
    "tokenizer.ggml.model": { type: "string", value: "no_vocab" },
    "llama.block_count": count(layers),
    "llama.context_length": count(131_072),
    "llama.embedding_length": count(EMBEDDING),
    "llama.feed_forward_length": count(FEED_FORWARD),
    "llama.attention.head_count": count(128),
    "llama.attention.head_count_kv": count(8),
    "llama.attention.key_length": count(128),
    "llama.attention.value_length": count(128),
    "llama.attention.layer_norm_rms_epsilon": { type: "float32", value: 1e-5 },
    "llama.rope.dimension_count": count(128),
    "llama.vocab_size": count(VOCABULARY),
  };
  const matrix = (name: string, columns: number, rows: number, dtype = matrices) => ({
    name,
    shape: [columns, rows],
    dtype,
  });
  const vector = (name: string, length = EMBEDDING) => ({ name, shape: [length], dtype: F32 });
  const layer = (index: number) => [
    vector(`blk.${index}.attn_norm.weight`),
    matrix(`blk.${index}.attn_q.weight`, EMBEDDING, EMBEDDING),
    matrix(`blk.${index}.attn_k.weight`, EMBEDDING, KEY_VALUES),
    matrix(`blk.${index}.attn_v.weight`, EMBEDDING, KEY_VALUES),
    matrix(`blk.${index}.attn_output.weight`, EMBEDDING, EMBEDDING),
    vector(`blk.${index}.ffn_norm.weight`),
    matrix(`blk.${index}.ffn_gate.weight`, EMBEDDING, FEED_FORWARD),
    matrix(`blk.${index}.ffn_up.weight`, EMBEDDING, FEED_FORWARD),
    matrix(`blk.${index}.ffn_down.weight`, FEED_FORWARD, EMBEDDING),
  ];
  const tensors = [
    vector("rope_freqs.weight", 64),
    matrix("token_embd.weight", EMBEDDING, VOCABULARY),
    ...Array.from({ length: layers }, (_, index) => layer(index)).flat(),
    vector("output_norm.weight"),
    matrix("output.weight", EMBEDDING, VOCABULARY, output),
  ];
  return { metadata, tensors };
}

/** The parsed header of the model, with metadata and 1138 tensors. @param layers another number of layers */
export function publishedHeader(layers = LAYERS): GgufHeader {
  const { metadata, tensors } = publishedShape(layers, { matrices: Q4_0, output: Q6_K });
  return {
    metadata: Object.fromEntries(Object.entries(metadata).map(([key, { value }]) => [key, value])),
    tensorInfos: tensors,
    tensorDataOffset: 8 * 1024 ** 2,
  };
}

/** The facts of the model. @param layers another number of layers */
export function publishedModel(layers = LAYERS): ModelFacts {
  const source = "Llama-3.1-405B_Q4_0.gguf";
  const facts = factsOf(publishedHeader(layers), { source, file: null, fileName: source, fileBytes: 0 });
  const { layerBytes, inputBytes, outputBytes, headerBytes } = facts.weights;
  return {
    ...facts,
    fileBytes: headerBytes + inputBytes + outputBytes + layerBytes.reduce((sum, bytes) => sum + bytes, 0),
  };
}
