/** Tensors of made-up models, named and shaped as llama.cpp's `create_tensor` calls want them (`src/models/*.cpp`). */

import type { TensorSpecification } from "../../bench/support/gguf-writer.ts";

const F32 = 0;
const Q4_0 = 2;
const Q8_0 = 8;

/** A matrix of weights: `rows` is the length of one row, as GGUF writes it. */
export function matrix(name: string, ...shape: number[]): TensorSpecification {
  return { name: `${name}.weight`, shape, dtype: Q4_0 };
}

/** Small values that are kept in full precision: norms, biases, state-space parameters. */
export function vector(name: string, ...shape: number[]): TensorSpecification {
  return { name, shape, dtype: F32 };
}

const norm = (name: string, length: number) => vector(`${name}.weight`, length);

/** Width of one model. */
export interface Widths {
  embd: number;
  heads: number;
  keyValueHeads: number;
  headLength: number;
}

/** What of the attention differs between architectures. */
export interface AttentionOptions {
  fused?: boolean;
  bias?: boolean;
  outputBias?: boolean;
  /** Length of the norm of queries and of keys. */
  norms?: readonly [query: number, key: number];
  postNorm?: boolean;
  sinks?: boolean;
  withoutNorm?: boolean;
}

/** Attention with grouped queries. */
export function attention(layer: string, widths: Widths, options: AttentionOptions = {}): TensorSpecification[] {
  const { embd, heads, keyValueHeads, headLength } = widths;
  const [queries, keys] = [heads * headLength, keyValueHeads * headLength];
  const projections = options.fused
    ? [matrix(`${layer}.attn_qkv`, embd, queries + 2 * keys)]
    : [
        matrix(`${layer}.attn_q`, embd, queries),
        matrix(`${layer}.attn_k`, embd, keys),
        matrix(`${layer}.attn_v`, embd, keys),
      ];
  const biases = options.bias
    ? [
        vector(`${layer}.attn_q.bias`, queries),
        vector(`${layer}.attn_k.bias`, keys),
        vector(`${layer}.attn_v.bias`, keys),
      ]
    : [];
  return [
    ...(options.withoutNorm ? [] : [norm(`${layer}.attn_norm`, embd)]),
    ...projections,
    ...biases,
    matrix(`${layer}.attn_output`, queries, embd),
    ...(options.outputBias ? [vector(`${layer}.attn_output.bias`, embd)] : []),
    ...(options.norms
      ? [norm(`${layer}.attn_q_norm`, options.norms[0]), norm(`${layer}.attn_k_norm`, options.norms[1])]
      : []),
    ...(options.postNorm ? [norm(`${layer}.post_attention_norm`, embd)] : []),
    ...(options.sinks ? [vector(`${layer}.attn_sinks.weight`, heads)] : []),
  ];
}

/** Attention over a compressed cache (MLA), split as converters write it today. */
export function latentAttention(
  layer: string,
  { embd, heads }: Pick<Widths, "embd" | "heads">,
  {
    queryRank,
    rank,
    rope,
    nope,
    value,
  }: { queryRank: number; rank: number; rope: number; nope: number; value: number },
): TensorSpecification[] {
  return [
    norm(`${layer}.attn_norm`, embd),
    norm(`${layer}.attn_q_a_norm`, queryRank),
    norm(`${layer}.attn_kv_a_norm`, rank),
    matrix(`${layer}.attn_q_a`, embd, queryRank),
    matrix(`${layer}.attn_q_b`, queryRank, heads * (nope + rope)),
    matrix(`${layer}.attn_kv_a_mqa`, embd, rank + rope),
    matrix(`${layer}.attn_k_b`, nope, rank, heads),
    matrix(`${layer}.attn_v_b`, rank, value, heads),
    matrix(`${layer}.attn_output`, heads * value, embd),
  ];
}

/** What of a feed-forward differs between architectures. */
export interface FeedForwardOptions {
  gate?: "beside" | "fused";
  postNorm?: boolean;
  withoutNorm?: boolean;
  normName?: string;
}

/** Feed-forward with a gate beside it, fused with it, or none. */
export function feedForward(
  layer: string,
  embd: number,
  width: number,
  { gate = "beside", postNorm = false, withoutNorm = false, normName = "ffn_norm.weight" }: FeedForwardOptions = {},
): TensorSpecification[] {
  return [
    ...(withoutNorm ? [] : [vector(`${layer}.${normName}`, embd)]),
    ...(gate === "beside" ? [matrix(`${layer}.ffn_gate`, embd, width)] : []),
    matrix(`${layer}.ffn_up`, embd, gate === "fused" ? 2 * width : width),
    matrix(`${layer}.ffn_down`, width, embd),
    ...(postNorm ? [norm(`${layer}.post_ffw_norm`, embd)] : []),
  ];
}

/** Mixture of experts, with a shared expert and biases where there are any. */
export function experts(
  layer: string,
  embd: number,
  {
    count,
    width,
    shared = 0,
    bias = false,
    withoutNorm = false,
  }: { count: number; width: number; shared?: number; bias?: boolean; withoutNorm?: boolean },
): TensorSpecification[] {
  return [
    ...(withoutNorm ? [] : [norm(`${layer}.ffn_norm`, embd)]),
    vector(`${layer}.ffn_gate_inp.weight`, embd, count),
    matrix(`${layer}.ffn_gate_exps`, embd, width, count),
    matrix(`${layer}.ffn_up_exps`, embd, width, count),
    matrix(`${layer}.ffn_down_exps`, width, embd, count),
    ...(bias
      ? [
          vector(`${layer}.ffn_gate_inp.bias`, count),
          vector(`${layer}.ffn_gate_exps.bias`, width, count),
          vector(`${layer}.ffn_up_exps.bias`, width, count),
          vector(`${layer}.ffn_down_exps.bias`, embd, count),
        ]
      : []),
    ...(shared > 0
      ? [
          matrix(`${layer}.ffn_gate_shexp`, embd, shared),
          matrix(`${layer}.ffn_up_shexp`, embd, shared),
          matrix(`${layer}.ffn_down_shexp`, shared, embd),
        ]
      : []),
  ];
}

/** Dimensions of a state-space layer. */
export interface StateSpace {
  conv: number;
  inner: number;
  state: number;
  /** Rank of the time step (Mamba), or heads (Mamba 2). */
  steps: number;
  groups?: number;
}

/** Layer of Mamba. */
export function mamba(
  layer: string,
  embd: number,
  { conv, inner, state, steps }: StateSpace,
  { norms = false } = {},
): TensorSpecification[] {
  return [
    norm(`${layer}.attn_norm`, embd),
    matrix(`${layer}.ssm_in`, embd, 2 * inner),
    vector(`${layer}.ssm_conv1d.weight`, conv, inner),
    vector(`${layer}.ssm_conv1d.bias`, inner),
    matrix(`${layer}.ssm_x`, inner, steps + 2 * state),
    matrix(`${layer}.ssm_dt`, steps, inner),
    vector(`${layer}.ssm_dt.bias`, inner),
    vector(`${layer}.ssm_a`, state, inner),
    vector(`${layer}.ssm_d`, inner),
    matrix(`${layer}.ssm_out`, inner, embd),
    ...(norms
      ? [norm(`${layer}.ssm_dt_norm`, steps), norm(`${layer}.ssm_b_norm`, state), norm(`${layer}.ssm_c_norm`, state)]
      : []),
  ];
}

/** Layer of Mamba 2. */
export function mamba2(
  layer: string,
  embd: number,
  { conv, inner, state, steps, groups = 1 }: StateSpace,
  { withoutNorm = false, convolutionBias = true } = {},
): TensorSpecification[] {
  const channels = inner + 2 * groups * state;
  return [
    ...(withoutNorm ? [] : [norm(`${layer}.attn_norm`, embd)]),
    matrix(`${layer}.ssm_in`, embd, inner + channels + steps),
    vector(`${layer}.ssm_conv1d.weight`, conv, channels),
    ...(convolutionBias ? [vector(`${layer}.ssm_conv1d.bias`, channels)] : []),
    vector(`${layer}.ssm_dt.bias`, steps),
    vector(`${layer}.ssm_a`, 1, steps),
    vector(`${layer}.ssm_d`, 1, steps),
    vector(`${layer}.ssm_norm.weight`, inner / groups, groups),
    matrix(`${layer}.ssm_out`, inner, embd),
  ];
}

/** Input embeddings, the layers and the output. */
export function wholeModel(
  embd: number,
  vocabulary: number,
  layers: readonly TensorSpecification[][],
  { untied = false, outputNorm = "output_norm" } = {},
): TensorSpecification[] {
  return [
    { name: "token_embd.weight", shape: [embd, vocabulary], dtype: Q8_0 },
    ...layers.flat(),
    norm(outputNorm, embd),
    ...(untied ? [{ name: "output.weight", shape: [embd, vocabulary], dtype: Q8_0 }] : []),
  ];
}
