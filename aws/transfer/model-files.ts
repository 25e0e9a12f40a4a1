/** The files that the bucket must hold before the front boots, and where they come from. */

import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { type ModelSource, parseModelSource } from "../../config/model-source.ts";
import { keptModel, LOCK_FILE } from "../../plan/model/lock.ts";
import { ModelError } from "../../plan/model/model-error.ts";
import { partNames } from "../../plan/model/shards.ts";
import { type ModelPart, readModel } from "../../plan/model/sources.ts";

/** One file of a model on its way into the bucket. */
export interface ModelFile {
  /** `models/<fileName>`. */
  key: string;
  bytes: number;
  place: LocalPlace | RemotePlace;
  /** Text that changes when the content does, as far as can be told without reading all of it. The same on any machine. */
  identity: string;
}

/** A file on the operator's machine. */
export interface LocalPlace {
  kind: "local";
  /** Absolute. */
  path: string;
}

/** A file that AWS fetches itself. */
export interface RemotePlace {
  kind: "remote";
  /** `hf:…`, `https://…` or `s3://…` of this one file. */
  source: string;
  /** What its SHA-256 must be; null where nobody has said so, then it is what Hugging Face says of the file. */
  sha256: string | null;
  /** A tag of Hugging Face that may be the SHA-256: holds where Hugging Face itself says nothing. */
  tag: string | null;
}

/** A model of local files. */
export type LocalFile = ModelFile & { place: LocalPlace };
/** A model that is elsewhere. */
export type RemoteFile = ModelFile & { place: RemotePlace };

export const isLocal = (file: ModelFile): file is LocalFile => file.place.kind === "local";
export const isRemote = (file: ModelFile): file is RemoteFile => file.place.kind === "remote";

/**
 * The files of a model, in order. Needs no network: what is known of files elsewhere is in the lock file.
 * @param source as the stack file says it
 * @param sha256 what the SHA-256 of each file elsewhere must be, as the stack file says it
 * @throws {ModelError} in one sentence that says what to do
 */
export async function modelFiles(
  source: string,
  projectRoot: string,
  sha256: readonly string[] = [],
): Promise<ModelFile[]> {
  const place = parseModelSource(source);
  if (place?.kind === "file") {
    const { parts } = await readModel(source, { projectRoot });
    return Promise.all(parts.map(localFile));
  }
  const kept = keptModel(source, projectRoot);
  if (place === null || kept === null) {
    throw new ModelError(`${LOCK_FILE} does not hold the facts of ${source}: run \`npm run plan\` for this stack.`);
  }
  return kept.parts.map((part, index) => remoteFile(source, place, part, sha256[index] ?? null));
}

const keyOf = (fileName: string) => `models/${fileName}`;

async function localFile({ file, fileName, bytes }: ModelPart): Promise<ModelFile> {
  if (file === null) throw new Error(`${fileName} has no path`);
  return {
    key: keyOf(fileName),
    bytes,
    place: { kind: "local", path: file },
    identity: await fingerprint(file, bytes),
  };
}

function remoteFile(
  source: string,
  place: ModelSource,
  { fileName, bytes, headerSha256, tag }: ModelPart,
  sha256: string | null,
): ModelFile {
  const digits = tag?.replace(/^W\//, "").replaceAll('"', "").toLowerCase() ?? "";
  const own = partOf(source, fileName);
  return {
    key: keyOf(fileName),
    bytes,
    place: {
      kind: "remote",
      source: own,
      sha256,
      // Other servers' tags say no more than whether it is the same file.
      tag: place.kind === "hugging-face" && /^[0-9a-f]{64}$/.test(digits) ? digits : null,
    },
    identity: plain(sha256 === null ? `header-sha256:${headerSha256} ${tagged(own, tag)}` : `sha256:${sha256}`),
  };
}

const tagged = (source: string, tag: string | null) =>
  tag === null ? `source:${withoutQuery(source)}` : `tag:${tag.replaceAll('"', "")}`;

/** S3 takes no more than this as metadata, and the script's JSON no quotes. */
const plain = (text: string) => text.replaceAll(/[^ -~]|["\\]/g, "?");

/** A query may hold a signature, which changes. */
const withoutQuery = (source: string) => (source.startsWith("http") ? source.replace(/\?.*$/, "") : source);

/** A source with another part's name in it; a query stays. */
function partOf(source: string, fileName: string): string {
  const [path, ...query] = source.startsWith("http") ? source.split(/(?=\?)/) : [source];
  const own = partNames(path ?? source);
  if (own === null) return source;
  const named = own.names.find((name) => name.endsWith(fileName));
  return [named ?? path, ...query].join("");
}

const SAMPLES = 32;
const SAMPLE_BYTES = 256 * 1024;
/** The header with the vocabulary, and the end, where a cut-off file differs. */
const EDGE_BYTES = 4 * 1024 ** 2;

/**
 * SHA-256 of the size, of both ends and of samples between them: 16 MiB of a file of any size, so that a preview can ask.
 * Not a proof of equality: two files that differ in a few bytes only may have the same.
 */
export async function fingerprint(path: string, bytes: number): Promise<string> {
  const hash = createHash("sha256").update(`${bytes}\n`);
  const file = await open(path);
  try {
    for (const { start, length } of samplesOf(bytes)) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
  return `sampled-sha256:${hash.digest("hex")}`;
}

function samplesOf(bytes: number): { start: number; length: number }[] {
  if (bytes <= 2 * EDGE_BYTES + SAMPLES * SAMPLE_BYTES) return [{ start: 0, length: bytes }];
  const step = Math.floor((bytes - 2 * EDGE_BYTES) / SAMPLES);
  const between = Array.from({ length: SAMPLES }, (_, n) => ({ start: EDGE_BYTES + n * step, length: SAMPLE_BYTES }));
  return [{ start: 0, length: EDGE_BYTES }, ...between, { start: bytes - EDGE_BYTES, length: EDGE_BYTES }];
}
