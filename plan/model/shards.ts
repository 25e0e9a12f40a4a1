/**
 * Models in several files, as `llama-gguf-split` writes them: `<name>-00001-of-00003.gguf` and so on, each with its own
 * header. Source at the pinned commit: `llama_split_path` in `src/llama.cpp`, the reading of `split.*` in
 * `src/llama-model-loader.cpp`.
 */

import { type GgufHeader, metadataReader } from "./metadata.ts";

const PART = /-(\d{5})-of-(\d{5})(?=\.gguf$)/;

/** Names of all parts, in order, if `name` is that of a part; null if it is not. */
export function partNames(name: string): { names: string[]; number: number } | null {
  const match = PART.exec(name);
  const [number, count] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || count < 1) return null;
  const digits = (value: number) => String(value).padStart(5, "0");
  const names = Array.from({ length: count }, (_, index) =>
    name.replace(PART, `-${digits(index + 1)}-of-${digits(count)}`),
  );
  return { names, number };
}

/**
 * Joins the headers of all parts: metadata of the first part, tensors of all.
 * @param refuse called with what is wrong, as a clause that follows "it"; must not return
 */
export function joinHeaders(headers: readonly GgufHeader[], refuse: (reason: string) => never): GgufHeader {
  const [first] = headers;
  if (first === undefined) return refuse("it has no parts.");
  headers.forEach((header, index) => {
    const { count } = metadataReader(header.metadata);
    const [number, total] = [count("split.no") ?? 0, count("split.count") ?? 1];
    if (total !== headers.length && headers.length === 1) {
      refuse(
        `it is one of ${total} parts and not named like one: give the parts their names back (…-00001-of-${String(total).padStart(5, "0")}.gguf), or join them with \`llama-gguf-split --merge\`.`,
      );
    }
    if (total !== headers.length || number !== index) {
      refuse(
        `its part ${index + 1} calls itself part ${number + 1} of ${total}: download the parts again, they do not belong together.`,
      );
    }
  });
  const tensorInfos = headers.flatMap((header) => header.tensorInfos);
  const expected = metadataReader(first.metadata).count("split.tensors.count");
  if (headers.length > 1 && expected !== null && expected !== tensorInfos.length) {
    refuse(
      `its parts hold ${tensorInfos.length} tensors instead of ${expected}: download them again, they do not belong together.`,
    );
  }
  return {
    metadata: Object.fromEntries(Object.entries(first.metadata).filter(([key]) => !key.startsWith("split."))),
    tensorInfos,
    tensorDataOffset: headers.reduce((sum, { tensorDataOffset }) => sum + tensorDataOffset, 0),
  };
}
