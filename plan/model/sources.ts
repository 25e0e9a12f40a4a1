/** Reads the headers of a model from this machine, an HTTP server, Hugging Face or S3, in one file or in parts. */

import { access as checkAccess, constants, stat } from "node:fs/promises";
import { basename, isAbsolute, resolve } from "node:path";
import { type ModelSource, parseModelSource } from "../../config/model-source.ts";
import { withoutCredentials } from "../../config/problems.ts";
import { type ByteSource, openFile, SourceError } from "./byte-source.ts";
import { FIRST_READ_BYTES, readHeader } from "./gguf-header.ts";
import { openHttp } from "./http-source.ts";
import type { GgufHeader } from "./metadata.ts";
import { ModelError } from "./model-error.ts";
import { type OpenS3, type S3Access, s3Opener } from "./s3-source.ts";
import { joinHeaders, partNames } from "./shards.ts";

/** Options for reading a source. None of them is stored. */
export interface ModelAccess {
  /** Directory that local paths are relative to. */
  projectRoot: string;
  /** Server of `hf:` sources, and a token for sources that need one. @default Hugging Face's server, no token */
  huggingFace?: { endpoint?: string | undefined; token?: string | undefined };
  /** Access to `s3:` sources. The AWS SDK finds credentials and region. */
  s3?: Omit<S3Access, "retrySeconds">;
  /** Wait before the second attempt over the network, doubled for the third. @default 0.5 */
  retrySeconds?: number;
}

/** One file of a model. */
export interface ModelPart {
  /** Absolute path; null if the file is elsewhere. */
  file: string | null;
  /** Last part of its path. */
  fileName: string;
  bytes: number;
  /** SHA-256 of everything before the weights. */
  headerSha256: string;
  /** The server's `ETag` of the content; null for local files and for servers without one. */
  tag: string | null;
}

/** A model's header and its files. */
export interface ReadModel {
  header: GgufHeader;
  /** In order; one, unless the model is split. */
  parts: ModelPart[];
}

/** Number of files to read at the same time. */
const AT_ONCE = 4;
/** The vocabulary is in the first part; the others have only a list of tensors. */
const LATER_PART_FIRST_BYTES = 128 * 1024;
const HUGGING_FACE = "https://huggingface.co";

/** What all parts of one model share while they are read. */
interface Reading extends ModelAccess {
  openS3: OpenS3;
}

/**
 * Reads the headers of a model and nothing else.
 * @throws {ModelError} in one sentence that says what to do
 */
export async function readModel(source: string, access: ModelAccess): Promise<ReadModel> {
  const location = parseModelSource(source);
  if (location === null)
    throw new ModelError(`${withoutCredentials(source)} is not a source of a model: ${SOURCE_FORMS}.`);
  const named = partNames(nameOf(location));
  if (named !== null && named.number !== 1) {
    throw new ModelError(`${source} is part ${named.number} of a model: name the first part, ${named.names[0]}.`);
  }
  const names = named?.names ?? [nameOf(location)];
  const reading = { ...access, openS3: s3Opener({ ...access.s3, retrySeconds: access.retrySeconds }) };
  const read: { header: GgufHeader; part: ModelPart }[] = [];
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const some = names.slice(from, from + AT_ONCE).map((name, index) => {
      const firstBytes = from + index === 0 ? FIRST_READ_BYTES : LATER_PART_FIRST_BYTES;
      return readPart(withName(location, name), { isOnly: names.length === 1, source, firstBytes }, reading);
    });
    read.push(...(await Promise.all(some)));
  }
  const refuse = (reason: string): never => {
    throw new ModelError(`${source} can't be planned: ${reason}`);
  };
  const header = joinHeaders(
    read.map((one) => one.header),
    refuse,
  );
  return { header, parts: read.map(({ part }) => part) };
}

/** The forms of a source, for messages. */
export const SOURCE_FORMS =
  "write the path of a .gguf file, an https:// address of one, hf:owner/repository/file.gguf, or s3://bucket/file.gguf";

interface PartRequest {
  isOnly: boolean;
  /** As written in the stack file. */
  source: string;
  firstBytes: number;
}

async function readPart(
  location: ModelSource,
  { isOnly, source, firstBytes }: PartRequest,
  access: Reading,
): Promise<{ header: GgufHeader; part: ModelPart }> {
  const fileName = fileNameOf(location);
  const shown = isOnly ? source : `${source}, part ${fileName},`;
  const opened = await opening(location, shown, firstBytes, access);
  try {
    const { header, sha256 } = await readHeader(opened, firstBytes);
    const file = location.kind === "file" ? pathOf(location.path, access) : null;
    return { header, part: { file, fileName, bytes: opened.size, headerSha256: sha256, tag: opened.tag } };
  } catch (error) {
    if (error instanceof SourceError) throw new ModelError(`${shown} can't be read: ${error.message}`);
    const reason = error instanceof Error ? error.message : String(error);
    const remedy =
      location.kind === "file"
        ? "download it again, it may be cut off or something else"
        : "check the address, it may lead to a web page or to something else";
    throw new ModelError(`${shown} can't be read as a GGUF file (${reason}): ${remedy}.`);
  } finally {
    await opened.close();
  }
}

async function opening(location: ModelSource, shown: string, firstBytes: number, access: Reading): Promise<ByteSource> {
  if (location.kind === "file") {
    const path = pathOf(location.path, access);
    await assertFile(path, location.path);
    return openFile(path);
  }
  try {
    if (location.kind === "s3") return await access.openS3(location.bucket, location.key, firstBytes);
    return await openHttp(urlOf(location, access), firstBytes, {
      ...(location.kind === "hugging-face"
        ? { token: access.huggingFace?.token, whenRefused: HUGGING_FACE_REFUSED }
        : {}),
      ...(access.retrySeconds === undefined ? {} : { retrySeconds: access.retrySeconds }),
    });
  } catch (error) {
    if (error instanceof SourceError) throw new ModelError(`${shown} can't be read: ${error.message}`);
    throw error;
  }
}

const HUGGING_FACE_REFUSED =
  "check owner and repository; where the model is gated or private, accept its terms there and set HF_TOKEN.";

function urlOf(location: Exclude<ModelSource, { kind: "file" | "s3" }>, { huggingFace }: ModelAccess): string {
  if (location.kind === "http") return location.url;
  const path = [location.owner, location.repository, "resolve", location.revision, ...location.file.split("/")];
  return `${huggingFace?.endpoint ?? HUGGING_FACE}/${path.map(encodeURIComponent).join("/")}`;
}

/** The part of a source that ends in `.gguf`. */
function nameOf(location: ModelSource): string {
  if (location.kind === "file") return location.path;
  if (location.kind === "s3") return location.key;
  return location.kind === "http" ? new URL(location.url).pathname : location.file;
}

function withName(location: ModelSource, name: string): ModelSource {
  if (location.kind === "file") return { ...location, path: name };
  if (location.kind === "hugging-face") return { ...location, file: name };
  if (location.kind === "s3") return { ...location, key: name };
  const url = new URL(location.url);
  url.pathname = name;
  return { kind: "http", url: url.href };
}

function fileNameOf(location: ModelSource): string {
  const name = nameOf(location);
  if (location.kind === "file") return basename(name);
  const last = name.split("/").at(-1) ?? name;
  return location.kind === "http" ? decoded(last) : last;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A per cent sign that encodes nothing is part of the name.
    return text;
  }
}

function pathOf(path: string, { projectRoot }: ModelAccess): string {
  return isAbsolute(path) ? path : resolve(projectRoot, path);
}

/** The file that `npm start` downloads. The path is repeated here, because the plan imports nothing from `setup/`. */
const DEMONSTRATION_MODEL = /(^|\/)\.models\/SmolLM2-[^/]+\.gguf$/;

/**
 * Checks that a file can be read.
 * @param shown its path as written in the stack file
 * @throws {ModelError} if it can't be read
 */
async function assertFile(path: string, shown: string): Promise<void> {
  try {
    const found = await stat(path);
    await checkAccess(path, constants.R_OK);
    if (found.isFile()) return;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") throw missing(shown);
    if (code === "EACCES") throw new ModelError(`${shown} can't be read: change its permissions.`);
    throw error;
  }
  throw new ModelError(`${shown} is a folder, not a model: name the GGUF file in it.`);
}

function missing(shown: string): ModelError {
  const way = DEMONSTRATION_MODEL.test(shown)
    ? "run `npm start`, which downloads the demonstration model, or put a GGUF file there."
    : "put a GGUF file there, or correct the path.";
  return new ModelError(`There is no model at ${shown}: ${way}`, { isMissing: true });
}
