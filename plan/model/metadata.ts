/** Reads typed values from a GGUF header's metadata, in which a value may have any type. */

/** A list of the header that was only counted, because it is vocabulary. */
export class UnreadList {
  readonly length: number;

  constructor(length: number) {
    this.length = length;
  }
}

/** One tensor of the header. */
export interface GgufTensor {
  name: string;
  /** Number of values in each dimension, the row first. */
  shape: readonly number[];
  /** GGML's number of the type. */
  dtype: number;
}

/** The part of a parsed header that the planner uses. */
export interface GgufHeader {
  metadata: object;
  tensorInfos: readonly GgufTensor[];
  /** Bytes before the tensors' data. */
  tensorDataOffset: number;
}

/** Accessors that return null if a key is absent or has another type. */
export interface MetadataReader {
  text(key: string): string | null;
  count(key: string): number | null;
  /** One number for each layer, from a list or from a single number for all layers. */
  counts(key: string, layers: number): number[] | null;
  /** A list of flags, one for each layer. */
  flags(key: string): boolean[] | null;
  /** Length of a list. */
  length(key: string): number | null;
}

export function metadataReader(metadata: object): MetadataReader {
  const values = new Map<string, unknown>(Object.entries(metadata));
  const toCount = (value: unknown): number | null => {
    if (typeof value === "bigint") return Number(value);
    return typeof value === "number" && Number.isFinite(value) ? value : null;
  };
  const list = (key: string): unknown[] | null => {
    const value = values.get(key);
    return Array.isArray(value) ? value : null;
  };
  return {
    text(key) {
      const value = values.get(key);
      return typeof value === "string" ? value : null;
    },
    count: (key) => toCount(values.get(key)),
    counts(key, layers) {
      const found = list(key);
      const one = toCount(values.get(key));
      if (found === null && one === null) return null;
      return Array.from({ length: layers }, (_, layer) => (found === null ? one : toCount(found[layer])) ?? 0);
    },
    flags(key) {
      const found = list(key);
      return found === null ? null : found.map((flag) => flag === true || (typeof flag === "number" && flag !== 0));
    },
    length(key) {
      const value = values.get(key);
      return Array.isArray(value) || value instanceof UnreadList ? value.length : null;
    },
  };
}
