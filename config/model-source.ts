/** Where a model may lie, and how the stack file says so. Only the text is read here; nothing is opened. */

import { withoutCredentials } from "./problems.ts";

/** A model's source in its parts. */
export type ModelSource =
  | { kind: "file"; path: string }
  /** `https://host/path/model.gguf`, with any query that the host needs. */
  | { kind: "http"; url: string }
  /** `hf:owner/repository/file.gguf`, with a revision `hf:owner/repository@revision/file.gguf`. */
  | { kind: "hugging-face"; owner: string; repository: string; revision: string; file: string }
  /** `s3://bucket/key.gguf`. */
  | { kind: "s3"; bucket: string; key: string };

const HUGGING_FACE = /^hf:([\w.-]+)\/([\w.-]+)(?:@([\w.-]+))?\/([^\0?#]+\.gguf)$/;
/** A bucket's name as S3 allows it; a key may hold anything. */
const S3 = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/([^\0]+\.gguf)$/;
/** The name of a scheme has at least two letters, so that a drive letter is none. */
const SCHEME = /^[a-z][a-z0-9+.-]+:/i;

/** Reads a source; null if it does not name a .gguf file. */
export function parseModelSource(source: string): ModelSource | null {
  const [, owner, repository, revision = "main", file] = HUGGING_FACE.exec(source) ?? [];
  if (owner !== undefined && repository !== undefined && file !== undefined) {
    return { kind: "hugging-face", owner, repository, revision, file };
  }
  const [, bucket, key] = S3.exec(source) ?? [];
  if (bucket !== undefined && key !== undefined) return { kind: "s3", bucket, key };
  if (/^https?:/i.test(source)) return isAddressOfModel(source) ? { kind: "http", url: source } : null;
  if (SCHEME.test(source) || source.includes("\0") || !source.endsWith(".gguf")) return null;
  return { kind: "file", path: source };
}

/** Whether the model is a file of this machine. */
export function isLocalSource(source: string): boolean {
  return parseModelSource(source)?.kind === "file";
}

/** Number of the model's files, which the name of the first part says. */
export function fileCount(source: string): number {
  return Number(/-\d{5}-of-(\d{5})\.gguf(\?.*)?$/.exec(source)?.[1] ?? 1);
}

/** Whether a source is an address with a name or a password in it. */
export function hasCredentials(source: string): boolean {
  return /^https?:/i.test(source) && withoutCredentials(source) !== source;
}

/** A name and a password in an address would end up in logs and in the lock file. */
function isAddressOfModel(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { pathname, username, password } = new URL(text);
  return pathname.endsWith(".gguf") && username === "" && password === "";
}
