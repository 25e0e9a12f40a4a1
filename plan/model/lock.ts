/**
 * The lock file: headers of models in the project, so that a plan needs neither the model nor the network, and a review
 * shows its inputs. It contains the header and not the facts derived from it, because a newer planner may derive more. It
 * contains no local path and no time, so that every machine writes the same file.
 */

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import * as z from "zod";
import { parseModelSource } from "../../config/model-source.ts";
import { ModelError } from "./model-error.ts";
import { packMetadata, packTensors, unpackMetadata, unpackTensors } from "./packing.ts";
import { partNames } from "./shards.ts";
import type { ReadModel } from "./sources.ts";

/** The lock file, relative to the project's root. */
export const LOCK_FILE = "models.lock.json";

const partSchema = z.strictObject({
  bytes: z.int().min(0),
  headerSha256: z.string().regex(/^[0-9a-f]{64}$/),
  tag: z.string().optional(),
});

const modelSchema = z.strictObject({
  parts: z.array(partSchema).min(1),
  headerBytes: z.int().min(0),
  metadata: z.record(z.string(), z.unknown()),
  tensors: z.record(z.string(), z.string()),
});

const lockSchema = z.strictObject({
  about: z.string(),
  version: z.literal(1),
  models: z.record(z.string(), modelSchema),
});

type Lock = z.output<typeof lockSchema>;

const EMPTY: Lock = {
  about: "Headers of the stacks' models. Written by `npm run plan`; commit it. See docs/models.md.",
  version: 1,
  models: {},
};

/**
 * The key of a model in the lock file: its source without parts that are local or expire. Null for a file outside the
 * project, which exists only on this machine and is not kept.
 */
export function lockKey(source: string, projectRoot: string): string | null {
  const location = parseModelSource(source);
  if (location === null) return null;
  if (location.kind === "hugging-face" || location.kind === "s3") return source;
  if (location.kind === "http") {
    const url = new URL(location.url);
    // A query may hold a signature.
    return `${url.origin}${url.pathname}`;
  }
  const path = isAbsolute(location.path) ? relative(projectRoot, location.path) : join(location.path);
  return path.startsWith("..") || isAbsolute(path) ? null : path.split(sep).join("/");
}

/**
 * A model from the lock file; null if it is not there.
 * @throws {ModelError} if the lock file can't be read
 */
export function keptModel(source: string, projectRoot: string): ReadModel | null {
  const key = lockKey(source, projectRoot);
  const kept = key === null ? undefined : readLock(projectRoot).models[key];
  if (key === null || kept === undefined) return null;
  const { metadata, tensors, headerBytes, parts } = kept;
  const name = basename(key);
  const names = partNames(name)?.names ?? [name];
  return {
    header: {
      metadata: unpackMetadata(metadata),
      tensorInfos: unpackTensors(tensors),
      tensorDataOffset: headerBytes,
    },
    parts: parts.map(({ bytes, headerSha256, tag }, index) => ({
      file: null,
      fileName: names[index] ?? name,
      bytes,
      headerSha256,
      tag: tag ?? null,
    })),
  };
}

/** Writes a model to the lock file. Returns false if it is a model that is not kept. */
export function keepModel(source: string, projectRoot: string, { header, parts }: ReadModel): boolean {
  const key = lockKey(source, projectRoot);
  if (key === null) return false;
  const lock = readLock(projectRoot);
  const models: Lock["models"] = {
    ...lock.models,
    [key]: {
      parts: parts.map(({ bytes, headerSha256, tag }) => ({ bytes, headerSha256, ...(tag === null ? {} : { tag }) })),
      headerBytes: header.tensorDataOffset,
      metadata: packMetadata(header.metadata),
      tensors: packTensors(header.tensorInfos),
    },
  };
  const sorted = Object.fromEntries(Object.entries(models).sort(([a], [b]) => (a < b ? -1 : 1)));
  const file = join(projectRoot, LOCK_FILE);
  mkdirSync(dirname(file), { recursive: true });
  // Write and rename, so that a reader never sees a partial file.
  writeFileSync(`${file}.new`, `${JSON.stringify({ ...lock, about: EMPTY.about, models: sorted }, null, 2)}\n`);
  renameSync(`${file}.new`, file);
  return true;
}

/** Whether both are the same files, by their sizes, headers and `ETag`s. */
export function isSameModel(kept: ReadModel, read: ReadModel): boolean {
  if (kept.parts.length !== read.parts.length) return false;
  return kept.parts.every((part, index) => {
    const other = read.parts[index];
    if (other === undefined || part.bytes !== other.bytes || part.headerSha256 !== other.headerSha256) return false;
    return part.tag === null || other.tag === null || part.tag === other.tag;
  });
}

function readLock(projectRoot: string): Lock {
  const file = join(projectRoot, LOCK_FILE);
  if (!existsSync(file)) return EMPTY;
  try {
    return lockSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    if (!(error instanceof z.ZodError) && !(error instanceof SyntaxError)) throw error;
    const reason = error instanceof z.ZodError ? reasonOf(error) : error.message;
    throw new ModelError(
      `${LOCK_FILE} can't be read (${reason}): restore the committed file, or remove it and run \`npm run plan\` for each stack.`,
    );
  }
}

function reasonOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue === undefined ? "unknown" : `${issue.path.join(".")}: ${issue.message}`;
}
