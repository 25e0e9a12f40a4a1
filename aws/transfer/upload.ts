/**
 * Brings local model files into the cluster's bucket: in parts, several at a time, and on from where an interrupted upload
 * stopped. `@aws-sdk/lib-storage` can't go on with an upload that another process began, so the parts are sent here.
 */

import { type FileHandle, open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { type AwsConnection, clientOptions } from "../connection.ts";
import { awsClause } from "../errors.ts";
import { inParallel } from "../parallel.ts";
import type { LocalFile } from "./model-files.ts";
import {
  abandonUpload,
  beginUpload,
  completeUpload,
  isSamePart,
  isThere,
  type ObjectPlace,
  openUpload,
  partBytesFor,
  type SentPart,
  sendPart,
} from "./multipart.ts";
import { ProgressSum, progressText, type TransferProgress } from "./progress.ts";
import { TransferError } from "./transfer-error.ts";

export interface UploadArgs {
  connection: AwsConnection;
  bucket: string;
  files: readonly LocalFile[];
  onProgress?: ((progress: TransferProgress) => void) | undefined;
  /** Stops the upload; what was sent is kept for the next one. */
  signal?: AbortSignal | undefined;
  /** Bytes of a part, at least 5 MiB; the next try must use the same to go on. @default by {@link partBytesFor} */
  partBytes?: number | undefined;
}

/** What a transfer came to, in files. */
export interface TransferResult {
  brought: number;
  /** Those that were in the bucket already. */
  there: number;
}

/** Parts in memory and on the line at the same time. */
const AT_ONCE = 4;

const NEEDS =
  "s3:PutObject, s3:GetObject, s3:ListBucket, s3:ListBucketMultipartUploads, s3:ListMultipartUploadParts and s3:AbortMultipartUpload on the model's bucket";

/**
 * Uploads the files that the bucket does not hold yet, one after the other.
 * @throws {TransferError} in one sentence that says what to do; what was sent is kept for the next try
 */
export async function uploadModel(args: UploadArgs): Promise<TransferResult> {
  const { connection, bucket, signal } = args;
  const sending = signal === undefined ? {} : { abortSignal: signal };
  const sdk = await import("@aws-sdk/client-s3");
  const client = new sdk.S3Client(clientOptions(connection));
  const sum = new ProgressSum(args.files, args.onProgress);
  const result = { brought: 0, there: 0 };
  try {
    for (const file of args.files) {
      const place = { sdk, client, bucket, key: file.key, identity: file.identity, sending };
      try {
        const upload = new FileUpload(file, place, args.partBytes, (bytes) => sum.set(file.key, bytes));
        result[await upload.run()]++;
      } catch (error) {
        if (error instanceof TransferError) throw error;
        throw new TransferError(failure(error, file, args, sum.value), { cause: error });
      }
    }
  } finally {
    client.destroy();
  }
  return result;
}

function failure(error: unknown, file: LocalFile, { bucket, signal }: UploadArgs, progress: TransferProgress): string {
  const name = basename(file.place.path);
  if (signal?.aborted)
    return `The upload of ${name} was stopped after ${progressText(progress)}: \`pulumi up\` goes on from there.`;
  if (error instanceof Error && error.name === "NoSuchBucket")
    return `${name} can't be uploaded: there is no bucket ${bucket}: run \`pulumi refresh\`, then \`pulumi up\`.`;
  const reason = awsClause(error, { service: "S3", needs: NEEDS });
  const sent = progress.bytesDone > 0 ? ` ${progressText(progress)} are there; \`pulumi up\` goes on from there.` : "";
  return `${name} can't be uploaded to the bucket ${bucket}: ${reason}${sent}`;
}

/** The upload of one file. */
class FileUpload {
  readonly #file: LocalFile;
  readonly #place: ObjectPlace;
  readonly #tell: (bytes: number) => void;
  readonly #partBytes: number;
  #sent = new Map<number, SentPart>();

  constructor(file: LocalFile, place: ObjectPlace, partBytes: number | undefined, tell: (bytes: number) => void) {
    this.#file = file;
    this.#place = place;
    this.#tell = tell;
    this.#partBytes = partBytes ?? partBytesFor(file.bytes);
  }

  async run(): Promise<keyof TransferResult> {
    const before = await this.#changedAt();
    if (await isThere(this.#place, this.#file.bytes)) {
      this.#tell(this.#file.bytes);
      return "there";
    }
    const handle = await open(this.#file.place.path);
    try {
      const id = (await this.#resumed(handle)) ?? (await beginUpload(this.#place));
      await this.#sendRest(handle, id);
      if ((await this.#changedAt()) !== before) {
        await abandonUpload(this.#place, id);
        throw this.#refused("was changed while it was uploaded: leave it alone");
      }
      await completeUpload(this.#place, id, this.#sent);
    } finally {
      await handle.close();
    }
    return "brought";
  }

  /** When the file was last changed. */
  async #changedAt(): Promise<number> {
    const { place, bytes } = this.#file;
    const found = await stat(place.path).catch((error: unknown) => {
      throw this.#refused("is not there any more: put it back", error);
    });
    if (found.size === bytes) return found.mtimeMs;
    throw this.#refused(`has ${found.size} bytes and had ${bytes} when it was planned with: wait until it is complete`);
  }

  #refused(what: string, cause?: unknown): TransferError {
    return new TransferError(`${this.#file.place.path} ${what}, then run \`pulumi up\` again.`, { cause });
  }

  /** The upload that an earlier run began with the same content; its parts count as sent. */
  async #resumed(handle: FileHandle): Promise<string | null> {
    const earlier = await openUpload(this.#place);
    if (earlier === null) return null;
    for (const [number, part] of earlier.parts) {
      if (number > this.#partCount || !isSamePart(part, await this.#read(handle, number))) {
        await abandonUpload(this.#place, earlier.id);
        this.#sent = new Map();
        this.#tell(0);
        return null;
      }
      this.#count(number, part);
    }
    return earlier.id;
  }

  async #sendRest(handle: FileHandle, id: string): Promise<void> {
    const missing = Array.from({ length: this.#partCount }, (_, index) => index + 1).filter((n) => !this.#sent.has(n));
    await inParallel(missing, AT_ONCE, async (number) => {
      this.#count(number, await sendPart(this.#place, id, number, await this.#read(handle, number)));
    });
  }

  get #partCount(): number {
    return Math.max(1, Math.ceil(this.#file.bytes / this.#partBytes));
  }

  async #read(handle: FileHandle, number: number): Promise<Buffer> {
    const start = (number - 1) * this.#partBytes;
    const length = Math.min(this.#partBytes, this.#file.bytes - start);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, start);
    if (bytesRead !== length) throw this.#refused("was cut off while it was read: leave it alone");
    return buffer;
  }

  #count(number: number, part: SentPart): void {
    this.#sent.set(number, part);
    this.#tell([...this.#sent.values()].reduce((sum, { bytes }) => sum + bytes, 0));
  }
}
