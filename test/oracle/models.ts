/** Models that the oracle loads: small ones of many architectures, made up, and the real ones where they are at hand. */

import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type GgufValue, ggufFile, type TensorSpecification } from "../../bench/support/gguf-writer.ts";
import { publishedShape } from "../../bench/support/published-cluster.ts";
import { factsOf, type ModelFacts } from "../../plan/model/facts.ts";
import { ggmlBytes } from "../../plan/model/ggml-types.ts";
import { count, dense, type MadeUpModel, make, numbers, real } from "./recipe.ts";
import { attention, experts, feedForward, latentAttention, mamba, mamba2, type StateSpace, vector } from "./tensors.ts";

export type { MadeUpModel } from "./recipe.ts";

const stateSpaceKeys = ({ conv, inner, state, steps, groups }: StateSpace): Record<string, GgufValue> => ({
  "ssm.conv_kernel": count(conv),
  "ssm.inner_size": count(inner),
  "ssm.state_size": count(state),
  "ssm.time_step_rank": count(steps),
  ...(groups === undefined ? {} : { "ssm.group_count": count(groups) }),
});

function denseModels(): MadeUpModel[] {
  const llama = dense(1024, 16, 4);
  const qwen2 = dense(896, 14, 2);
  const qwen3 = dense(1024, 16, 8, 128);
  const gemma = dense(768, 4, 2, 256);
  const phi3 = dense(1024, 16, 16, 64);
  const commandR = dense(1024, 8, 8, 128);
  const olmo2 = dense(1024, 16, 4);
  return [
    make({
      name: "llama",
      architecture: "llama",
      layers: 10,
      widths: llama,
      feedForward: 2816,
      untied: true,
      extra: [vector("rope_freqs.weight", 32)],
      layer: (at) => [...attention(at, llama), ...feedForward(at, 1024, 2816)],
    }),
    make({
      name: "qwen2",
      architecture: "qwen2",
      layers: 9,
      widths: qwen2,
      feedForward: 4864,
      layer: (at) => [...attention(at, qwen2, { bias: true }), ...feedForward(at, 896, 4864)],
    }),
    make({
      name: "qwen3",
      architecture: "qwen3",
      layers: 9,
      widths: qwen3,
      feedForward: 3072,
      layer: (at) => [...attention(at, qwen3, { norms: [128, 128] }), ...feedForward(at, 1024, 3072)],
    }),
    make({
      name: "gemma2",
      architecture: "gemma2",
      layers: 9,
      widths: gemma,
      feedForward: 3072,
      own: {
        "attention.sliding_window": count(1024),
        attn_logit_softcapping: real(50),
        final_logit_softcapping: real(30),
      },
      layer: (at) => [...attention(at, gemma, { postNorm: true }), ...feedForward(at, 768, 3072, { postNorm: true })],
    }),
    make({
      name: "gemma3",
      architecture: "gemma3",
      layers: 13,
      widths: gemma,
      feedForward: 2048,
      own: { "attention.sliding_window": count(512) },
      layer: (at) => [
        ...attention(at, gemma, { postNorm: true, norms: [256, 256] }),
        ...feedForward(at, 768, 2048, { postNorm: true }),
      ],
    }),
    make({
      name: "phi3",
      architecture: "phi3",
      layers: 8,
      widths: phi3,
      feedForward: 2816,
      untied: true,
      own: { "rope.scaling.original_context_length": count(4096), "attention.sliding_window": count(2047) },
      layer: (at) => [...attention(at, phi3, { fused: true }), ...feedForward(at, 1024, 2816, { gate: "fused" })],
    }),
    make({
      name: "command-r",
      architecture: "command-r",
      layers: 8,
      widths: commandR,
      feedForward: 2816,
      own: { logit_scale: real(0.0625) },
      layer: (at) => [...attention(at, commandR), ...feedForward(at, 1024, 2816, { withoutNorm: true })],
    }),
    make({
      name: "olmo2",
      architecture: "olmo2",
      layers: 9,
      widths: olmo2,
      feedForward: 2816,
      untied: true,
      own: { "attention.sliding_window": count(1024) },
      layer: (at) => [
        ...attention(at, olmo2, { withoutNorm: true, postNorm: true, norms: [1024, 256] }),
        ...feedForward(at, 1024, 2816, { withoutNorm: true, postNorm: true }),
      ],
    }),
  ];
}

function expertModels(): MadeUpModel[] {
  const mixtral = dense(768, 12, 4);
  const qwen3moe = dense(768, 12, 4, 128);
  const gptOss = dense(768, 24, 4, 64);
  const deepseek = { ...dense(768, 12, 1, 576) };
  const latent = { queryRank: 384, rank: 512, rope: 64, nope: 128, value: 128 };
  return [
    make({
      name: "llama-moe",
      architecture: "llama",
      layers: 7,
      widths: mixtral,
      feedForward: 1536,
      untied: true,
      own: { expert_count: count(8), expert_used_count: count(2) },
      layer: (at) => [...attention(at, mixtral), ...experts(at, 768, { count: 8, width: 1536 })],
    }),
    make({
      name: "qwen3moe",
      architecture: "qwen3moe",
      layers: 7,
      widths: qwen3moe,
      feedForward: 2048,
      untied: true,
      own: { expert_count: count(32), expert_used_count: count(8), expert_feed_forward_length: count(384) },
      layer: (at) => [
        ...attention(at, qwen3moe, { norms: [128, 128] }),
        ...experts(at, 768, { count: 32, width: 384 }),
      ],
    }),
    make({
      name: "gpt-oss",
      architecture: "gpt-oss",
      layers: 8,
      widths: gptOss,
      feedForward: 768,
      untied: true,
      own: {
        expert_count: count(16),
        expert_used_count: count(4),
        expert_feed_forward_length: count(768),
        "attention.sliding_window": count(128),
      },
      layer: (at) => [
        ...attention(at, gptOss, { bias: true, outputBias: true, postNorm: true, sinks: true }),
        ...experts(at, 768, { count: 16, width: 768, bias: true, withoutNorm: true }),
      ],
    }),
    make({
      name: "deepseek2",
      architecture: "deepseek2",
      layers: 8,
      widths: deepseek,
      feedForward: 2048,
      untied: true,
      own: {
        leading_dense_block_count: count(1),
        expert_count: count(16),
        expert_used_count: count(4),
        expert_shared_count: count(1),
        expert_feed_forward_length: count(512),
        expert_weights_scale: real(2.5),
        "attention.q_lora_rank": count(latent.queryRank),
        "attention.kv_lora_rank": count(latent.rank),
        "attention.key_length_mla": count(latent.nope + latent.rope),
        "attention.value_length_mla": count(latent.value),
        "attention.value_length": count(latent.rank),
        "rope.dimension_count": count(latent.rope),
      },
      layer: (at, index) => [
        ...latentAttention(at, deepseek, latent),
        ...(index < 1 ? feedForward(at, 768, 2048) : experts(at, 768, { count: 16, width: 512, shared: 512 })),
      ],
    }),
  ];
}

function recurrentModels(): MadeUpModel[] {
  const none = dense(768, 0, 0, 64);
  const space: StateSpace = { conv: 4, inner: 1536, state: 16, steps: 64 };
  const space2: StateSpace = { conv: 4, inner: 1536, state: 128, steps: 24, groups: 1 };
  const hybrid = dense(768, 12, 4);
  const sometimes = (layers: number, period: number): GgufValue => ({
    type: "uint32s",
    value: numbers(layers, (layer) => (layer % period === period - 1 ? 4 : 0)),
  });
  return [
    make({
      name: "mamba",
      architecture: "mamba",
      layers: 10,
      widths: none,
      feedForward: 0,
      own: stateSpaceKeys(space),
      layer: (at) => mamba(at, 768, space),
    }),
    make({
      name: "mamba2",
      architecture: "mamba2",
      layers: 10,
      widths: none,
      feedForward: 0,
      own: stateSpaceKeys(space2),
      layer: (at) => mamba2(at, 768, space2),
    }),
    make({
      name: "jamba",
      architecture: "jamba",
      layers: 8,
      widths: hybrid,
      feedForward: 2048,
      own: {
        ...stateSpaceKeys(space),
        "attention.head_count_kv": sometimes(8, 4),
        expert_count: count(8),
        expert_used_count: count(2),
      },
      layer: (at, index) => [
        ...(index % 4 === 3 ? attention(at, hybrid) : mamba(at, 768, space, { norms: true })),
        ...(index % 2 === 1 ? experts(at, 768, { count: 8, width: 2048 }) : feedForward(at, 768, 2048)),
      ],
    }),
    make({
      name: "granitehybrid",
      architecture: "granitehybrid",
      layers: 10,
      widths: hybrid,
      feedForward: 2048,
      own: {
        ...stateSpaceKeys(space2),
        "attention.head_count_kv": sometimes(10, 5),
        logit_scale: real(8),
        residual_scale: real(0.22),
        embedding_scale: real(12),
        "attention.scale": real(0.015625),
      },
      layer: (at, index) => [
        ...(index % 5 === 4 ? attention(at, hybrid) : mamba2(at, 768, space2)),
        ...feedForward(at, 768, 2048),
      ],
    }),
    make({
      name: "falcon-h1",
      architecture: "falcon-h1",
      layers: 8,
      widths: hybrid,
      feedForward: 2048,
      own: stateSpaceKeys(space2),
      layer: (at) => [
        ...attention(at, hybrid),
        ...mamba2(at, 768, space2, { withoutNorm: true }),
        ...feedForward(at, 768, 2048, { normName: "ffn_norm" }),
      ],
    }),
  ];
}

/** Every made-up model. */
export const madeUpModels: readonly MadeUpModel[] = [...denseModels(), ...expertModels(), ...recurrentModels()];

const IQ1_S = 19;

/**
 * Three layers as wide as those of the published cluster's 405B. Its weights are of the smallest type, so that 2.5 GiB are
 * enough: what is computed, and so the compute buffer, does not depend on the type. (In Q4_0 the same programs reported
 * the same buffers, with 7.7 GiB.)
 */
export function wideModel(): MadeUpModel {
  const layers = 3;
  return { name: "llama-405b-wide", layers, ...publishedShape(layers, { matrices: IQ1_S, output: IQ1_S }) };
}

/** Writes a model; the weights are a hole in the file, which reads as zeros and takes no space. */
export function writeModel(model: MadeUpModel, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${model.name}.gguf`);
  const header = ggufFile(model.metadata, model.tensors, { withWeights: false });
  const handle = openSync(file, "w", 0o644);
  writeSync(handle, header);
  ftruncateSync(handle, header.length + dataBytes(model.tensors));
  closeSync(handle);
  return file;
}

function dataBytes(tensors: readonly TensorSpecification[]): number {
  const aligned = (bytes: number) => Math.ceil(bytes / 32) * 32;
  return tensors.reduce(
    (sum, { shape, dtype }) =>
      sum +
      aligned(
        ggmlBytes(
          dtype,
          shape.reduce((a, b) => a * b, 1),
        ) ?? 0,
      ),
    0,
  );
}

/** Facts of a made-up model, without its file. */
export function factsOfModel(model: MadeUpModel): ModelFacts {
  const header = {
    metadata: Object.fromEntries(Object.entries(model.metadata).map(([key, { value }]) => [key, value])),
    tensorInfos: model.tensors,
    tensorDataOffset: ggufFile(model.metadata, model.tensors, { withWeights: false }).length,
  };
  const fileName = `${model.name}.gguf`;
  return factsOf(header, {
    source: fileName,
    file: null,
    fileName,
    fileBytes: header.tensorDataOffset + dataBytes(model.tensors),
  });
}
