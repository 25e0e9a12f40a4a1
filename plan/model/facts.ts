/** The facts of a model that the planner needs. They come from the header of its GGUF file; nothing else is read. */

import { isLocalSource } from "../../config/model-source.ts";
import { isKnownArchitecture, normsExpertWeights, slidingWindowOf } from "./architectures.ts";
import { ggmlTypeName } from "./ggml-types.ts";
import { type LayerKinds, layerKindsOf } from "./layer-kinds.ts";
import { isSameModel, keptModel, LOCK_FILE } from "./lock.ts";
import { type GgufHeader, metadataReader } from "./metadata.ts";
import { ModelError } from "./model-error.ts";
import { type ReadModel, readModel } from "./sources.ts";
import { type WeightFacts, weightsOf } from "./weights.ts";

export { ModelError } from "./model-error.ts";

/** Facts of one model. Plain data. */
export interface ModelFacts {
  /** As written in the stack file. */
  source: string;
  /** Absolute path on this machine; null if the file is elsewhere. */
  file: string | null;
  /** Last part of the path: `SmolLM2-135M-Instruct.Q4_1.gguf`; of a split model, that of its first part. */
  fileName: string;
  /** Bytes of all its files. */
  fileBytes: number;
  /** Absolute paths of a split model's further parts, in the folder of the first. Absent if the model is one file. */
  furtherFiles?: string[];
  /** Set if the file differs from the one whose facts are in the lock file. */
  changed?: boolean;
  name: string;
  /** `general.architecture`: `llama`. */
  architecture: string;
  /** Whether the planner knows the KV cache of this architecture; if not, it assumes the largest. */
  architectureKnown: boolean;
  /** Quantization of most of the weights: `Q4_1`. */
  quantization: string;
  /** Repeating layers (`block_count`). */
  layers: number;
  trainedContextTokens: number;
  vocabularyTokens: number;
  embeddingLength: number;
  /** Number of attention heads of each layer. */
  heads: number[];
  /** Number of key and value heads of each layer; 0 for a layer without attention. */
  keyValueHeads: number[];
  /** Number of values in one head's key, and in one head's value, of each layer. */
  keyLengths: number[];
  valueLengths: number[];
  /** The length of the sliding window, and which layers use it; null if no layer does. */
  slidingWindow: { tokens: number; layers: boolean[] } | null;
  experts: { count: number; used: number } | null;
  /** What each layer computes. */
  layerKinds: LayerKinds;
  /** Whether norms use the root mean square; if not, they use mean and variance. */
  rmsNorm: boolean;
  /** With latent attention, the number of values in one head's query and key before compression; otherwise null. */
  latentKeyLength: number | null;
  weights: WeightFacts;
}

/**
 * A model's facts without the network: from the file if it is on this machine, otherwise from the lock file.
 * @param source as written in the stack file
 * @throws {ModelError} in one sentence that says what to do
 */
export async function readModelFacts(source: string, projectRoot: string): Promise<ModelFacts> {
  const kept = keptModel(source, projectRoot);
  if (isLocalSource(source)) {
    const read = await readModel(source, { projectRoot });
    return { ...factsOfModel(read, source), ...(kept === null || isSameModel(kept, read) ? {} : { changed: true }) };
  }
  if (kept !== null) return factsOfModel(kept, source);
  throw new ModelError(
    `${LOCK_FILE} does not hold the facts of ${source}: run \`npm run plan\` for this stack, which reads them over the network and keeps them there.`,
  );
}

/** Facts of a model that was read from its file or from the lock file. */
export function factsOfModel({ header, parts }: ReadModel, source: string): ModelFacts {
  const [first, ...further] = parts;
  if (first === undefined) throw new Error(`${source} has no parts`);
  const facts = factsOf(header, {
    source,
    file: first.file,
    fileName: first.fileName,
    fileBytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
  });
  const files = further.flatMap(({ file }) => file ?? []);
  return files.length === 0 ? facts : { ...facts, furtherFiles: files };
}

/** Facts of a parsed header. Pure, so that tests can plan with the headers of models that are not on this machine. */
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
    heads,
    keyValueHeads: perLayer("attention.head_count_kv", heads),
    keyLengths: headLengths("key"),
    valueLengths: headLengths("value"),
    slidingWindow: window,
    experts: expertCount > 0 ? { count: expertCount, used: count(own("expert_used_count")) ?? expertCount } : null,
    layerKinds: layerKindsOf(header.tensorInfos, layers, {
      count: (key) => count(own(key)),
      normedExpertWeights: normsExpertWeights(architecture, header.metadata),
    }),
    rmsNorm:
      count(own("attention.layer_norm_rms_epsilon")) !== null || count(own("attention.layer_norm_epsilon")) === null,
    latentKeyLength: count(own("attention.key_length_mla")),
    weights,
  };
}

function embeddingRows(header: GgufHeader): number {
  return header.tensorInfos.find(({ name }) => name === "token_embd.weight")?.shape[1] ?? 0;
}
