/** What the planner needs to know of a model, read from the header of its GGUF file. Nothing else is read of the file. */

import { stat } from "node:fs/promises";
import { basename, isAbsolute, resolve } from "node:path";
import { isKnownArchitecture, slidingWindowOf } from "./architectures.ts";
import { ggmlTypeName } from "./ggml-types.ts";
import { readGgufHeader } from "./gguf-header.ts";
import { type GgufHeader, metadataReader } from "./metadata.ts";
import { type WeightFacts, weightsOf } from "./weights.ts";

/** Facts of one model. Plain data. */
export interface ModelFacts {
  /** As the stack file says it. */
  source: string;
  /** Absolute path on this machine; null where the file is elsewhere. */
  file: string | null;
  /** Last part of the path: `SmolLM2-135M-Instruct.Q4_1.gguf`. */
  fileName: string;
  fileBytes: number;
  name: string;
  /** `general.architecture`: `llama`. */
  architecture: string;
  /** Whether the planner knows how this architecture keeps its KV cache; if not, it assumes the most. */
  architectureKnown: boolean;
  /** Quantization of most of the weights: `Q4_1`. */
  quantization: string;
  /** Repeating layers (`block_count`). */
  layers: number;
  trainedContextTokens: number;
  vocabularyTokens: number;
  embeddingLength: number;
  /** Feed-forward length of each layer. */
  feedForwardLengths: number[];
  /** Attention heads of each layer. */
  heads: number[];
  /** Key and value heads of each layer; 0 for a layer without attention. */
  keyValueHeads: number[];
  /** Values of one head's key, and of one head's value, of each layer. */
  keyLengths: number[];
  valueLengths: number[];
  /** Layers that look at a sliding window only, and its length; null if there are none. */
  slidingWindow: { tokens: number; layers: boolean[] } | null;
  experts: { count: number; used: number } | null;
  weights: WeightFacts;
}

/** A model file that can't be planned with. The message is meant for the user. */
export class ModelError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ModelError";
  }
}

/**
 * Reads a model's facts.
 * @param source path of a GGUF file, relative to the project's root or absolute
 * @throws {ModelError} in one sentence that says what to do
 */
export async function readModelFacts(source: string, projectRoot: string): Promise<ModelFacts> {
  const file = isAbsolute(source) ? source : resolve(projectRoot, source);
  const fileBytes = await sizeOf(file, source);
  const header = await headerOf(file, source);
  return factsOf(header, { source, file, fileName: basename(file), fileBytes });
}

async function sizeOf(file: string, source: string): Promise<number> {
  try {
    const found = await stat(file);
    if (found.isFile()) return found.size;
  } catch {
    // Told below: whatever the reason is, there is no file to read at this path.
  }
  throw new ModelError(
    `There is no model at ${source}: run \`npm start\`, which downloads the demonstration model, or put a GGUF file there.`,
  );
}

async function headerOf(file: string, source: string): Promise<GgufHeader> {
  try {
    return await readGgufHeader(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ModelError(
      `${source} can't be read as a GGUF file (${reason}): download it again, it may be cut off or something else.`,
    );
  }
}

/** Facts of a parsed header. Pure, so that tests can plan with headers of models that are not at hand. */
export function factsOf(
  header: GgufHeader,
  file: Pick<ModelFacts, "source" | "file" | "fileName" | "fileBytes">,
): ModelFacts {
  const { text, count, counts, flags, length } = metadataReader(header.metadata);
  const refuse = (reason: string): never => {
    throw new ModelError(`${file.source} can't be planned: ${reason}`);
  };
  const architecture =
    text("general.architecture") ?? refuse("it names no architecture, so it holds no language model.");
  const own = (key: string) => `${architecture}.${key}`;
  const layers = count(own("block_count")) ?? refuse("it does not say how many layers it has.");
  const parts = count("split.count") ?? 1;
  if (parts > 1) {
    refuse(`it is one of ${parts} parts: join them with \`llama-gguf-split --merge\` and give the joined file.`);
  }
  const embeddingLength = count(own("embedding_length")) ?? refuse("it does not say how long its embeddings are.");
  const perLayer = (key: string, fallback: readonly number[]) => counts(own(key), layers) ?? [...fallback];
  const none = Array.from({ length: layers }, () => 0);
  const heads = perLayer("attention.head_count", none);
  const window = slidingWindowOf(
    architecture,
    layers,
    count(own("attention.sliding_window")),
    flags(own("attention.sliding_window_pattern")) ?? count(own("attention.sliding_window_pattern")),
  );
  const headLengths = (kind: "key" | "value") => {
    const whole = count(own(`attention.${kind}_length`)) ?? (heads[0] ? Math.floor(embeddingLength / heads[0]) : 0);
    const sliding = count(own(`attention.${kind}_length_swa`)) ?? whole;
    return none.map((_, layer) => (window?.layers[layer] === true ? sliding : whole));
  };
  const expertCount = count(own("expert_count")) ?? 0;
  const weights = weightsOf(header, layers, (type) =>
    refuse(`it holds tensors of a type that the pinned llama.cpp does not know (number ${type}).`),
  );
  return {
    ...file,
    name: text("general.name") ?? file.fileName.replace(/\.gguf$/, ""),
    architecture,
    architectureKnown: isKnownArchitecture(architecture),
    quantization: ggmlTypeName(weights.mainType) ?? "unknown",
    layers,
    trainedContextTokens: count(own("context_length")) ?? 0,
    vocabularyTokens: count(own("vocab_size")) ?? length("tokenizer.ggml.tokens") ?? embeddingRows(header),
    embeddingLength,
    feedForwardLengths: perLayer("feed_forward_length", none),
    heads,
    keyValueHeads: perLayer("attention.head_count_kv", heads),
    keyLengths: headLengths("key"),
    valueLengths: headLengths("value"),
    slidingWindow: window,
    experts: expertCount > 0 ? { count: expertCount, used: count(own("expert_used_count")) ?? expertCount } : null,
    weights,
  };
}

function embeddingRows(header: GgufHeader): number {
  return header.tensorInfos.find(({ name }) => name === "token_embd.weight")?.shape[1] ?? 0;
}
