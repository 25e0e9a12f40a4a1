/**
 * Facts about model architectures that are not in the metadata: the kind of their KV cache, and which layers use a sliding
 * window. Source at the pinned commit: `src/models/<architecture>.cpp` (`load_arch_hparams`) and
 * `llama_model::create_memory` in `src/llama-model.cpp`.
 */

/** Sliding window of an architecture, for what its files do not state. */
interface SlidingWindowRule {
  /** One layer in each period attends to the whole context. A pattern in the file takes precedence. */
  period: number;
  /** Whether that layer is the first of its period. @default false, which means the last */
  denseFirst?: boolean;
  /** Window if the file has none. */
  defaultTokens?: number;
  /** Window that overrides the file. */
  fixedTokens?: number;
}

/** Architectures with a plain KV cache for every layer. */
const PLAIN: ReadonlySet<string> = new Set(
  (
    "llama llama-embed deci falcon grok gpt2 gptj gptneox mpt baichuan starcoder starcoder2 refact bloom stablelm qwen " +
    "qwen2 qwen2moe qwen2vl qwen3 qwen3moe qwen3vl qwen3vlmoe phi2 phi3 phimoe plamo codeshell orion internlm2 minicpm " +
    "gemma xverse command-r dbrx olmo olmoe openelm arctic deepseek chatglm bitnet jais jais2 nemotron exaone granite " +
    "granitemoe chameleon bailingmoe dots1 arcee ernie4_5 ernie4_5-moe hunyuan-moe hunyuan-dense smollm3 apertus seed_oss " +
    "mistral3 llada glm4"
  ).split(" "),
);

/** Architectures whose layers alternate between a sliding window and the whole context. */
const SLIDING: ReadonlyMap<string, SlidingWindowRule> = new Map([
  ["gemma2", { period: 2, defaultTokens: 4096 }],
  ["gemma3", { period: 6 }],
  ["cohere2", { period: 4 }],
  ["olmo2", { period: 4 }],
  ["gpt-oss", { period: 2 }],
  ["afmoe", { period: 4 }],
  ["mellum", { period: 4 }],
  ["plamo3", { period: 8 }],
  ["smallthinker", { period: 4, denseFirst: true, fixedTokens: 4096 }],
]);

/** Architectures with recurrent layers of Mamba or Mamba 2, with or without attention layers between them. */
const RECURRENT: ReadonlySet<string> = new Set(["mamba", "mamba2", "jamba", "falcon-h1", "granitehybrid"]);

/** Architectures with latent attention over a compressed cache. */
const LATENT: ReadonlySet<string> = new Set(["deepseek2"]);

/** Architectures without rotary positions: they encode positions in another way, or not at all. */
const WITHOUT_ROTARY_POSITIONS: ReadonlySet<string> = new Set(["jamba", "gpt2", "mpt", "bloom", "refact", "starcoder"]);

/** Architectures that scale the input embeddings; the first device does it. */
const SCALED_EMBEDDINGS: ReadonlySet<string> = new Set([
  "gemma",
  "gemma2",
  "gemma3",
  "granite",
  "granitemoe",
  "granitehybrid",
  "minicpm",
  "grok",
]);

/** Architectures whose last layer also computes tokens without an output. */
const ALL_ROWS_TO_THE_END: ReadonlySet<string> = new Set(["gpt-oss"]);

/** Architectures that do not normalize the weights of experts unless the file asks for it (`expert_weights_norm`). */
const PLAIN_EXPERT_WEIGHTS: ReadonlySet<string> = new Set(
  "jamba gpt-oss deepseek deepseek2 qwen2moe olmoe phimoe dots1 bailingmoe2".split(" "),
);

/** Architectures whose sum of input and result overwrites the input instead of the result. */
const INPUT_FIRST: ReadonlySet<string> = new Set(["jamba"]);

/** Whether the weights of the chosen experts are divided by their sum (`norm_w` of `build_moe_ffn`). */
export function normsExpertWeights(architecture: string, metadata: object): boolean {
  const declared: unknown = new Map<string, unknown>(Object.entries(metadata)).get(
    `${architecture}.expert_weights_norm`,
  );
  return typeof declared === "boolean" ? declared : !PLAIN_EXPERT_WEIGHTS.has(architecture);
}

/** Whether the sum of input and result overwrites the input. */
export function addsToInput(architecture: string): boolean {
  return INPUT_FIRST.has(architecture);
}

/** Whether queries and keys have rotary positions (`ggml_rope_ext`). */
export function hasRotaryPositions(architecture: string): boolean {
  return !WITHOUT_ROTARY_POSITIONS.has(architecture);
}

/** Whether the input embeddings are multiplied by a number before the first layer. */
export function scalesEmbeddings(architecture: string): boolean {
  return SCALED_EMBEDDINGS.has(architecture);
}

/** Whether tokens without an output are dropped after the last layer instead of within it. */
export function keepsAllRowsToTheEnd(architecture: string): boolean {
  return ALL_ROWS_TO_THE_END.has(architecture);
}

/** Whether the planner knows how this architecture keeps its KV cache. */
export function isKnownArchitecture(architecture: string): boolean {
  return [PLAIN, RECURRENT, LATENT].some((set) => set.has(architecture)) || SLIDING.has(architecture);
}

/**
 * The layers that use a sliding window, and its length; null if no layer does.
 * Port of `llama_model_base::load_swa_pattern` and `llama_hparams::set_swa_pattern`.
 * @param declaredTokens the file's `attention.sliding_window`
 * @param declaredPattern the file's `attention.sliding_window_pattern`: a period, or one flag for each layer
 */
export function slidingWindowOf(
  architecture: string,
  layers: number,
  declaredTokens: number | null,
  declaredPattern: number | readonly boolean[] | null,
): { tokens: number; layers: boolean[] } | null {
  const rule = SLIDING.get(architecture);
  if (rule === undefined) return null;
  const tokens = rule.fixedTokens === undefined ? (declaredTokens ?? rule.defaultTokens ?? 0) : rule.fixedTokens;
  // A file without a window turns it off, even if the length is fixed.
  if (tokens === 0 || (declaredTokens ?? rule.defaultTokens ?? 0) === 0) return null;
  if (typeof declaredPattern === "object" && declaredPattern !== null) {
    return { tokens, layers: Array.from({ length: layers }, (_, layer) => declaredPattern[layer] ?? false) };
  }
  const period = declaredPattern ?? rule.period;
  const slides = (layer: number) =>
    period === 0 || (rule.denseFirst === true ? layer % period !== 0 : layer % period < period - 1);
  return { tokens, layers: Array.from({ length: layers }, (_, layer) => slides(layer)) };
}
