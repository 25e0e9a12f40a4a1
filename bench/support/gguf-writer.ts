/**
 * Writes small GGUF files (version 3) for tests: real metadata, real tensor descriptions, weights of zeros.
 * Format: `ggml/include/gguf.h` at the pinned commit of llama.cpp.
 */

import { ggmlBytes } from "../../plan/model/ggml-types.ts";

/** A value of the metadata with its type in the format. */
export type GgufValue =
  | { type: "uint32"; value: number }
  | { type: "uint64"; value: number }
  | { type: "float32"; value: number }
  | { type: "bool"; value: boolean }
  | { type: "string"; value: string }
  | { type: "uint32s"; value: readonly number[] }
  | { type: "bools"; value: readonly boolean[] }
  | { type: "strings"; value: readonly string[] };

/** A tensor of the file. Its weights are zeros. */
export interface TensorSpecification {
  name: string;
  /** Number of values in each dimension, the row first. */
  shape: readonly number[];
  /** GGML's number of the type; 0 is F32. */
  dtype: number;
}

const ALIGNMENT = 32;
const KINDS = { uint32: 4, float32: 6, bool: 7, string: 8, list: 9, uint64: 10 } as const;

/** The bytes of a file. */
export function ggufFile(
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: readonly TensorSpecification[],
  { withWeights = true } = {},
): Buffer {
  const entries = Object.entries(metadata);
  const head = [Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(entries.length)];
  const values = entries.flatMap(([key, value]) => [text(key), ...entryOf(value)]);
  let offset = 0;
  const descriptions = tensors.flatMap(({ name, shape, dtype }) => {
    const description = [text(name), u32(shape.length), ...shape.map(u64), u32(dtype), u64(offset)];
    offset += aligned(
      ggmlBytes(
        dtype,
        shape.reduce((product, length) => product * length, 1),
      ) ?? 0,
    );
    return description;
  });
  const header = Buffer.concat([...head, ...values, ...descriptions]);
  return Buffer.concat([header, Buffer.alloc(aligned(header.length) - header.length + (withWeights ? offset : 0))]);
}

function entryOf(entry: GgufValue): Buffer[] {
  switch (entry.type) {
    case "uint32":
      return [u32(KINDS.uint32), u32(entry.value)];
    case "uint64":
      return [u32(KINDS.uint64), u64(entry.value)];
    case "float32":
      return [u32(KINDS.float32), f32(entry.value)];
    case "bool":
      return [u32(KINDS.bool), Buffer.from([entry.value ? 1 : 0])];
    case "string":
      return [u32(KINDS.string), text(entry.value)];
    case "uint32s":
      return list(KINDS.uint32, entry.value.map(u32));
    case "bools":
      return list(
        KINDS.bool,
        entry.value.map((flag) => Buffer.from([flag ? 1 : 0])),
      );
    case "strings":
      return list(KINDS.string, entry.value.map(text));
  }
}

function list(kind: number, values: readonly Buffer[]): Buffer[] {
  return [u32(KINDS.list), u32(kind), u64(values.length), ...values];
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function u64(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
}

function f32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeFloatLE(value);
  return buffer;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}
