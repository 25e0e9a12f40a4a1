/**
 * Reads the header of a GGUF file: metadata and the list of tensors, without the weights.
 *
 * Why not a library: a header is mostly vocabulary (hundreds of thousands of strings), and the planner only counts it.
 * Skipping it takes milliseconds, decoding it up to seconds. The tests compare the result with `@huggingface/gguf`.
 * Format: `ggml/include/gguf.h` and `ggml/src/gguf.cpp` at the pinned commit.
 */

import { createHash } from "node:crypto";
import type { ByteSource } from "./byte-source.ts";
import { type GgufHeader, type GgufTensor, UnreadList } from "./metadata.ts";

/** Most models have a shorter header. */
export const FIRST_READ_BYTES = 4 * 1024 ** 2;
/** No valid header is longer. */
const MOST_HEADER_BYTES = 512 * 1024 ** 2;
/** Longer lists are vocabulary and are only counted; lists of layers are shorter. */
const LONGEST_LIST_READ = 4096;
const DEFAULT_ALIGNMENT = 32;

/** Bytes of each value type by its number in the format. Strings (8) and lists (9) have no fixed size. */
const VALUE_BYTES: readonly (number | null)[] = [1, 1, 2, 2, 4, 4, 4, 1, null, null, 8, 8, 8];
const STRING = 8;
const LIST = 9;

/** The buffer ends before the header does. */
class Truncated extends Error {}

/**
 * Reads a header. Reads more of the file until the header is complete.
 * @param firstBytes bytes of the first read
 * @returns the header, and the SHA-256 of its bytes, which are all bytes before the weights
 * @throws {Error} with a short reason if the file is not a GGUF file
 */
export async function readHeader(
  source: ByteSource,
  firstBytes = FIRST_READ_BYTES,
): Promise<{ header: GgufHeader; sha256: string }> {
  let buffer: Buffer = Buffer.alloc(0);
  for (let length = firstBytes; ; length *= 4) {
    buffer = Buffer.concat([buffer, await source.read(buffer.length, length)]);
    try {
      const { header, bytes } = parseGgufHeader(buffer);
      return { header, sha256: createHash("sha256").update(buffer.subarray(0, bytes)).digest("hex") };
    } catch (error) {
      if (!(error instanceof Truncated)) throw error;
      if (length >= source.size || length >= MOST_HEADER_BYTES) throw new Error("it ends within its header");
    }
  }
}

/** The header, and its length in bytes without the padding after it. */
function parseGgufHeader(bytes: Buffer): { header: GgufHeader; bytes: number } {
  const cursor = new Cursor(bytes);
  if (bytes.length < 4 || bytes.toString("latin1", 0, 4) !== "GGUF") throw new Error("it does not begin with GGUF");
  cursor.skip(4);
  const version = cursor.u32();
  if (version !== 2 && version !== 3) throw new Error(`it has version ${version} of the format, not 2 or 3`);
  const tensorCount = cursor.u64();
  const metadataCount = cursor.u64();
  const metadata: Record<string, unknown> = {};
  for (let index = 0; index < metadataCount; index++) {
    const key = cursor.text();
    metadata[key] = readValue(cursor, cursor.u32());
  }
  const tensorInfos: GgufTensor[] = [];
  for (let index = 0; index < tensorCount; index++) tensorInfos.push(readTensor(cursor));
  const alignment = Number(metadata["general.alignment"] ?? DEFAULT_ALIGNMENT);
  const tensorDataOffset = Math.ceil(cursor.offset / alignment) * alignment;
  return { header: { metadata, tensorInfos, tensorDataOffset }, bytes: cursor.offset };
}

function readTensor(cursor: Cursor): GgufTensor {
  const name = cursor.text();
  const dimensions = cursor.u32();
  if (dimensions > 4) throw new Error(`its tensor ${name} has ${dimensions} dimensions`);
  const shape = Array.from({ length: dimensions }, () => cursor.u64());
  const dtype = cursor.u32();
  cursor.skip(8);
  return { name, shape, dtype };
}

function readValue(cursor: Cursor, type: number): unknown {
  if (type === STRING) return cursor.text();
  if (type === LIST) return readList(cursor);
  return cursor.number(type);
}

function readList(cursor: Cursor): unknown[] | UnreadList {
  const type = cursor.u32();
  const length = cursor.u64();
  if (length <= LONGEST_LIST_READ) return Array.from({ length }, () => readValue(cursor, type));
  const size = VALUE_BYTES[type];
  if (size !== null && size !== undefined) cursor.skip(size * length);
  else if (type === STRING) for (let index = 0; index < length; index++) cursor.skip(cursor.u64());
  else throw new Error("it holds a long list of lists");
  return new UnreadList(length);
}

/** Reads little-endian values one after the other. */
class Cursor {
  offset = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Skips bytes and returns their offset. */
  skip(length: number): number {
    const start = this.offset;
    // Compare before adding, because a broken length may be larger than any file.
    if (length > this.#bytes.length - start) throw new Truncated();
    this.offset = start + length;
    return start;
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.skip(4));
  }

  u64(): number {
    const start = this.skip(8);
    return this.#bytes.readUInt32LE(start) + this.#bytes.readUInt32LE(start + 4) * 2 ** 32;
  }

  text(): string {
    const length = this.u64();
    const start = this.skip(length);
    return this.#bytes.toString("utf8", start, start + length);
  }

  number(type: number): number | boolean {
    const size = VALUE_BYTES[type];
    if (size === null || size === undefined) throw new Error(`it holds a value of the unknown kind ${type}`);
    const at = this.skip(size);
    const bytes = this.#bytes;
    switch (type) {
      case 0:
        return bytes.readUInt8(at);
      case 1:
        return bytes.readInt8(at);
      case 2:
        return bytes.readUInt16LE(at);
      case 3:
        return bytes.readInt16LE(at);
      case 4:
        return bytes.readUInt32LE(at);
      case 5:
        return bytes.readInt32LE(at);
      case 6:
        return bytes.readFloatLE(at);
      case 7:
        return bytes.readUInt8(at) !== 0;
      case 10:
        return Number(bytes.readBigUInt64LE(at));
      case 11:
        return Number(bytes.readBigInt64LE(at));
      default:
        return bytes.readDoubleLE(at);
    }
  }
}
