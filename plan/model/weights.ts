/**
 * The bytes of weights by their location. llama.cpp places a tensor by its name and not by its position in the file: the
 * input embeddings stay on the CPU, `blk.N.*` belongs to layer N, and the rest to the output layer.
 * Source at the pinned commit: `LLM_TENSOR_INFOS` in `src/llama-arch.cpp`, `create_tensor` in `src/llama-model-loader.cpp`.
 */

import { ggmlBytes } from "./ggml-types.ts";
import type { GgufHeader, GgufTensor } from "./metadata.ts";

/** Bytes of weights by their location in llama.cpp. Each tensor is padded to the alignment of a CPU buffer. */
export interface WeightFacts {
  /** Bytes of each repeating layer. */
  layerBytes: number[];
  /** Bytes of the largest tensor of each repeating layer, which is sent in one message. */
  layerLargestBytes: number[];
  /** The part of `layerBytes` that experts take. Only the chosen experts are read for a token. */
  layerExpertBytes: number[];
  /** Bytes of the input embeddings, which are always on the front's CPU. */
  inputBytes: number;
  /** Bytes of the output layer, including a copy of tied input embeddings. */
  outputBytes: number;
  outputLargestBytes: number;
  /** Bytes of small tensors (RoPE factors), of which every device with layers gets a copy. */
  sharedBytes: number;
  /** Whether the output layer uses the input embeddings, which then exist twice. */
  tied: boolean;
  /** Bytes of the file before the data of the tensors: vocabulary and other metadata. */
  headerBytes: number;
  /** GGML's number of the type of most bytes in the repeating layers. */
  mainType: number;
}

/** Tensors of the input layer (`LLM_TENSOR_LAYER_INPUT`). */
const INPUT_TENSORS = /^(token_embd|position_embd|token_types|per_layer_token_embd)\./;
/** Tensors that belong to all layers and are not named after one. The first layer of each device gets a copy. */
const SHARED_TENSORS = /^rope_(freqs|factors_long|factors_short)\./;
/** The experts of a layer, all in one tensor (`ffn_*_exps`). A shared expert (`_shexp`) is read for every token. */
const EXPERT_TENSORS = /^blk\.\d+\.ffn_\w+_exps\./;
const LAYER_TENSORS = /^blk\.(\d+)\./;
/** Alignment of tensors in a CPU buffer (`TENSOR_ALIGNMENT` in `ggml/src/ggml-impl.h`). */
const ALIGNMENT_BYTES = 32;

/**
 * Adds up the tensors of a header.
 * @param onUnknownType called with the number of a type whose size is unknown; must not return
 */
export function weightsOf(header: GgufHeader, layers: number, onUnknownType: (type: number) => never): WeightFacts {
  const zeros = () => Array.from({ length: layers }, () => 0);
  const facts: WeightFacts = {
    layerBytes: zeros(),
    layerLargestBytes: zeros(),
    layerExpertBytes: zeros(),
    inputBytes: 0,
    outputBytes: 0,
    outputLargestBytes: 0,
    sharedBytes: 0,
    tied: !header.tensorInfos.some(({ name }) => name === "output.weight"),
    headerBytes: header.tensorDataOffset,
    mainType: 0,
  };
  const bytesByType = new Map<number, number>();
  for (const tensor of header.tensorInfos) {
    const bytes = bytesOf(tensor) ?? onUnknownType(tensor.dtype);
    const layer = LAYER_TENSORS.exec(tensor.name)?.[1];
    if (layer !== undefined) {
      addToLayer(facts, Number(layer), bytes);
      if (EXPERT_TENSORS.test(tensor.name)) addTo(facts.layerExpertBytes, Number(layer), bytes);
      bytesByType.set(tensor.dtype, (bytesByType.get(tensor.dtype) ?? 0) + bytes);
    } else if (INPUT_TENSORS.test(tensor.name)) {
      facts.inputBytes += bytes;
      if (facts.tied && tensor.name === "token_embd.weight") addToOutput(facts, bytes);
    } else if (SHARED_TENSORS.test(tensor.name)) {
      facts.sharedBytes += bytes;
    } else {
      addToOutput(facts, bytes);
    }
  }
  facts.mainType = [...bytesByType].reduce((most, entry) => (entry[1] > most[1] ? entry : most), [0, 0])[0];
  return facts;
}

function bytesOf(tensor: GgufTensor): number | null {
  const values = tensor.shape.reduce((product, length) => product * length, 1);
  const bytes = ggmlBytes(tensor.dtype, values);
  return bytes === null ? null : Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

function addTo(bytesByLayer: number[], layer: number, bytes: number): void {
  bytesByLayer[layer] = (bytesByLayer[layer] ?? 0) + bytes;
}

function addToLayer(facts: WeightFacts, layer: number, bytes: number): void {
  addTo(facts.layerBytes, layer, bytes);
  facts.layerLargestBytes[layer] = Math.max(facts.layerLargestBytes[layer] ?? 0, bytes);
}

function addToOutput(facts: WeightFacts, bytes: number): void {
  facts.outputBytes += bytes;
  facts.outputLargestBytes = Math.max(facts.outputLargestBytes, bytes);
}
