/** The files that the bucket must hold before the front boots, and their sources. */

import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { type ModelSource, parseModelSource } from "../../config/model-source.ts";
import { keptModel, LOCK_FILE } from "../../plan/model/lock.ts";
import { ModelError } from "../../plan/model/model-error.ts";
import { partNames } from "../../plan/model/shards.ts";
import { type ModelPart, readModel } from "../../plan/model/sources.ts";

/** One file of a model for the bucket. */
export interface ModelFile {
  /** `models/<fileName>`. */
  key: string;
  bytes: number;
  place: LocalPlace | RemotePlace;
  /** Text that changes with the content, as far as a partial read can detect it. The same on any machine. */
  identity: string;
}

/** A file on the operator's machine. */
export interface LocalPlace {
  kind: "local";
  /** Absolute. */
  path: string;
}

/** A file that the import job in AWS fetches. */
export interface RemotePlace {
  kind: "remote";
  /** `hf:…`, `https://…` or `s3://…` of this one file. */
  source: string;
  /** Expected SHA-256; null if the stack file gives none, then Hugging Face's own value counts. */
  sha256: string | null;
  /** Hugging Face's ETag if it may be a SHA-256; used if Hugging Face gives no other. */
  tag: string | null;
}

/** A local file of a model. */
export type LocalFile = ModelFile & { place: LocalPlace };
/** A remote file of a model. */
export type RemoteFile = ModelFile & { place: RemotePlace };

export const isLocal = (file: ModelFile): file is LocalFile => file.place.kind === "local";
export const isRemote = (file: ModelFile): file is RemoteFile => file.place.kind === "remote";

/**
 * The files of a model, in order. Needs no network, because the lock file holds the facts of remote files.
 * @param source the stack file's `model.source`
 * @param sha256 expected SHA-256 of each remote file, from the stack file
 * @throws {ModelError} one sentence with its remedy
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
      // The ETag of another server is not a hash of the content.
      tag: place.kind === "hugging-face" && /^[0-9a-f]{64}$/.test(digits) ? digits : null,
    },
    identity: plain(sha256 === null ? `header-sha256:${headerSha256} ${tagged(own, tag)}` : `sha256:${sha256}`),
  };
}

const tagged = (source: string, tag: string | null) =>
  tag === null ? `source:${withoutQuery(source)}` : `tag:${tag.replaceAll('"', "")}`;

/** S3 metadata takes printable ASCII only, and the script's JSON takes no quotes. */
const plain = (text: string) => text.replaceAll(/[^ -~]|["\\]/g, "?");

/** A query may hold a signature, which changes between runs. */
const withoutQuery = (source: string) => (source.startsWith("http") ? source.replace(/\?.*$/, "") : source);

/** The source of another part; keeps the query. */
function partOf(source: string, fileName: string): string {
  const [path, ...query] = source.startsWith("http") ? source.split(/(?=\?)/) : [source];
  const own = partNames(path ?? source);
  if (own === null) return source;
  const named = own.names.find((name) => name.endsWith(fileName));
  return [named ?? path, ...query].join("");
}

const SAMPLES = 32;
const SAMPLE_BYTES = 256 * 1024;
/** Bytes at each end: the start holds the header and the vocabulary, and a truncated file differs at the end. */
const EDGE_BYTES = 4 * 1024 ** 2;

/**
 * SHA-256 of the size, of both ends and of samples between them. It reads 16 MiB of a file of any size, so a preview can
 * afford it. It does not prove equality: files that differ in a few bytes may have the same fingerprint.
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
