/**
 * What a layer computes, derived from its tensors and their shapes. Layers that compute the same have the same kind.
 * Names of the tensors at the pinned commit: `LLM_TENSOR_NAMES` in `src/llama-arch.cpp`.
 */

import type { GgufTensor, MetadataReader } from "./metadata.ts";

/** Attention of a layer. */
export interface AttentionKind {
  /** Whether queries, keys and values come from one multiplication. */
  fused: boolean;
  /** Whether queries and keys are normed separately. */
  queryNorm: boolean;
  /** Low ranks and head lengths of multi-head latent attention; null for grouped queries. */
  latent: { queryRank: number; rank: number; rope: number; value: number } | null;
}

/** Recurrent part of a layer: Mamba or Mamba 2. */
export interface StateSpaceKind {
  version: 1 | 2;
  /** Number of columns of the convolution. */
  convolution: number;
  inner: number;
  state: number;
  /** Rank of the time step (Mamba), or number of heads (Mamba 2). */
  steps: number;
  groups: number;
  /** Whether time step, B and C are normed. */
  innerNorms: boolean;
}

/** Feed-forward part of a layer. `width` is that of one expert if there are experts. */
export interface FeedForwardKind {
  width: number;
  gate: "beside" | "fused" | "none";
  /** Number of experts, number used for a token, and width of the shared expert (0: none). Null for a dense layer. */
  experts: {
    count: number;
    used: number;
    sharedWidth: number;
    hasSelectionBias: boolean;
    hasNormedWeights: boolean;
    mergedGate: boolean;
  } | null;
}

/** One kind of layer. Plain data. */
export interface LayerKind {
  attention: AttentionKind | null;
  stateSpace: StateSpaceKind | null;
  feedForward: FeedForwardKind | null;
  /** Whether the layer norms its input before attention or the recurrent part. */
  preNorm: boolean;
  feedForwardNorm: boolean;
  postAttentionNorm: boolean;
  postFeedForwardNorm: boolean;
}

/** The kinds of a model's layers. */
export interface LayerKinds {
  /** Each kind once. */
  kinds: LayerKind[];
  /** For each layer the index of its kind. */
  ofLayer: number[];
}

/** The metadata that is needed. Keys are without the architecture's prefix. */
interface OwnMetadata extends Pick<MetadataReader, "count"> {
  /** Whether the weights of the chosen experts are divided by their sum. */
  normedExpertWeights: boolean;
}

type Shapes = ReadonlyMap<string, readonly number[]>;

/** Reads the kinds of all layers. */
export function layerKindsOf(tensors: readonly GgufTensor[], layers: number, own: OwnMetadata): LayerKinds {
  const byLayer = Array.from({ length: layers }, () => new Map<string, readonly number[]>());
  for (const { name, shape } of tensors) {
    const match = /^blk\.(\d+)\.(.+?)(?:\.weight)?$/.exec(name);
    if (match !== null) byLayer[Number(match[1])]?.set(match[2] ?? "", shape);
  }
  const kinds: LayerKind[] = [];
  const known = new Map<string, number>();
  const ofLayer = byLayer.map((shapes) => {
    const kind = kindOf(shapes, own);
    const key = JSON.stringify(kind);
    const found = known.get(key) ?? kinds.push(kind) - 1;
    known.set(key, found);
    return found;
  });
  return { kinds, ofLayer };
}

function kindOf(shapes: Shapes, own: OwnMetadata): LayerKind {
  return {
    attention: attentionOf(shapes, own),
    stateSpace: stateSpaceOf(shapes, own),
    feedForward: feedForwardOf(shapes, own),
    preNorm: shapes.has("attn_norm"),
    feedForwardNorm: shapes.has("ffn_norm") || (shapes.has("post_attention_norm") && !shapes.has("post_ffw_norm")),
    postAttentionNorm: shapes.has("post_attention_norm") && (shapes.has("ffn_norm") || shapes.has("post_ffw_norm")),
    postFeedForwardNorm: shapes.has("post_ffw_norm"),
  };
}

function attentionOf(shapes: Shapes, own: OwnMetadata): AttentionKind | null {
  const columns = (name: string) => shapes.get(name)?.[1] ?? 0;
  if (!shapes.has("attn_output")) return null;
  const isLatent = shapes.has("attn_k_b") && shapes.has("attn_v_b");
  return {
    fused: shapes.has("attn_qkv"),
    queryNorm: shapes.has("attn_q_norm"),
    latent: isLatent
      ? {
          queryRank: columns("attn_q_a"),
          rank: own.count("attention.kv_lora_rank") ?? 0,
          rope: own.count("rope.dimension_count") ?? 0,
          value: columns("attn_v_b"),
        }
      : null,
  };
}

function stateSpaceOf(shapes: Shapes, own: OwnMetadata): StateSpaceKind | null {
  if (!shapes.has("ssm_in") || !shapes.has("ssm_conv1d")) return null;
  const number = (key: string) => own.count(`ssm.${key}`) ?? 0;
  return {
    version: shapes.has("ssm_x") ? 1 : 2,
    convolution: number("conv_kernel"),
    inner: number("inner_size"),
    state: number("state_size"),
    steps: number("time_step_rank"),
    groups: number("group_count"),
    innerNorms: shapes.has("ssm_dt_norm") || shapes.has("ssm_norm"),
  };
}

function feedForwardOf(shapes: Shapes, own: OwnMetadata): FeedForwardKind | null {
  const columns = (name: string) => shapes.get(name)?.[1] ?? 0;
  const expertWidth = shapes.get("ffn_down_exps")?.[0];
  if (expertWidth !== undefined) {
    const count = shapes.get("ffn_down_exps")?.[2] ?? own.count("expert_count") ?? 0;
    return {
      width: expertWidth,
      gate: shapes.has("ffn_gate_exps") || shapes.has("ffn_gate_up_exps") ? "beside" : "none",
      experts: {
        count,
        used: own.count("expert_used_count") ?? count,
        sharedWidth: columns("ffn_up_shexp"),
        hasSelectionBias: shapes.has("exp_probs_b") || shapes.has("exp_probs_b.bias"),
        hasNormedWeights: own.normedExpertWeights,
        mergedGate: shapes.has("ffn_gate_up_exps"),
      },
    };
  }
  const width = shapes.get("ffn_down")?.[0];
  if (width === undefined) return null;
  const up = columns("ffn_up");
  const gate = shapes.has("ffn_gate") ? "beside" : up === 2 * width ? "fused" : "none";
  return { width, gate, experts: null };
}
