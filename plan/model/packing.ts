/**
 * Packs a header into a few readable lines: repeated values are written once with their range, vocabulary is only counted,
 * and keys that the planner does not use are left out.
 */

import { ggmlTypeName, ggmlTypeOf } from "./ggml-types.ts";
import { type GgufTensor, UnreadList } from "./metadata.ts";

/** Keys to keep, besides those of the architecture. */
const KEPT_KEYS =
  /^(general\.(architecture|type|name|size_label|file_type|alignment)|tokenizer\.ggml\.(model|tokens|merges))$/;

/** The metadata to keep: lists of numbers as runs, `{ "each": "8*30 0*2" }`; lists of texts as `{ "length": 49152 }`. */
export function packMetadata(metadata: object): Record<string, unknown> {
  const values = new Map<string, unknown>(Object.entries(metadata));
  const prefix = `${String(values.get("general.architecture"))}.`;
  const kept = [...values].flatMap(([key, value]): [string, unknown][] => {
    if (!key.startsWith(prefix) && !KEPT_KEYS.test(key)) return [];
    const packed = packValue(value);
    return packed === undefined ? [] : [[key, packed]];
  });
  return Object.fromEntries(kept);
}

export function unpackMetadata(packed: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(packed).map(([key, value]) => [key, unpackValue(value)]));
}

function packValue(value: unknown): unknown {
  if (value instanceof UnreadList) return { length: value.length };
  if (typeof value === "bigint") return Number(value);
  if (!Array.isArray(value)) return value;
  const items: unknown[] = value;
  const isPlain = items.every((item) => typeof item === "number" || typeof item === "boolean");
  return isPlain ? { each: runsOf(items.map(String)) } : { length: items.length };
}

function unpackValue(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("length" in value && typeof value.length === "number") return new UnreadList(value.length);
  if (!("each" in value) || typeof value.each !== "string") return undefined;
  if (value.each === "") return [];
  return value.each.split(" ").flatMap((run) => {
    const [item, times] = run.split("*");
    const read = item === "true" ? true : item === "false" ? false : Number(item);
    return Array.from({ length: Number(times) }, () => read);
  });
}

function runsOf(items: readonly string[]): string {
  const runs: { item: string; times: number }[] = [];
  for (const item of items) {
    const last = runs.at(-1);
    if (last?.item === item) last.times++;
    else runs.push({ item, times: 1 });
  }
  return runs.map(({ item, times }) => `${item}*${times}`).join(" ");
}

const LAYER = /^blk\.(\d+)\.(.+)$/;

/** Tensors by name, type and shape: `"blk.0-29.attn_q.weight": "Q4_1 576x576"`. */
export function packTensors(tensors: readonly GgufTensor[]): Record<string, string> {
  const packed: Record<string, string> = {};
  const layers = new Map<string, { suffix: string; text: string; numbers: number[] }>();
  for (const { name, shape, dtype } of tensors) {
    const text = `${ggmlTypeName(dtype) ?? dtype} ${shape.join("x")}`;
    const [, layer, suffix] = LAYER.exec(name) ?? [];
    if (layer === undefined || suffix === undefined) {
      packed[name] = text;
      continue;
    }
    const group = layers.get(`${suffix} ${text}`) ?? { suffix, text, numbers: [] };
    group.numbers.push(Number(layer));
    layers.set(`${suffix} ${text}`, group);
  }
  for (const { suffix, text, numbers } of layers.values()) packed[`blk.${rangesOf(numbers)}.${suffix}`] = text;
  return packed;
}

/** The reverse of {@link packTensors}; the order of the tensors may differ. */
export function unpackTensors(packed: Readonly<Record<string, string>>): GgufTensor[] {
  return Object.entries(packed).flatMap(([key, text]) => {
    const [type = "", shape = ""] = text.split(" ");
    const dtype = ggmlTypeOf(type) ?? Number(type);
    const tensor = (name: string) => ({ name, shape: shape.split("x").map(Number), dtype });
    const [, ranges, suffix] = /^blk\.([\d,-]+)\.(.+)$/.exec(key) ?? [];
    if (ranges === undefined || suffix === undefined) return [tensor(key)];
    return numbersOf(ranges).map((layer) => tensor(`blk.${layer}.${suffix}`));
  });
}

/** `0-3,5` for 0, 1, 2, 3 and 5. */
function rangesOf(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

function numbersOf(ranges: string): number[] {
  return ranges.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
