/**
 * Uploads local model files to the cluster's bucket: in parts, several at a time. It resumes an interrupted upload.
 * `@aws-sdk/lib-storage` can't resume an upload of another process, so this file sends the parts itself.
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
  /** Stops the upload; the next one resumes it. */
  signal?: AbortSignal | undefined;
  /** Bytes of a part, at least 5 MiB; a resumed upload must use the same. @default by {@link partBytesFor} */
  partBytes?: number | undefined;
}

/** The files of a transfer, counted. */
export interface TransferResult {
  transferred: number;
  /** Files that the bucket held already. */
  alreadyPresent: number;
}

/** Parts that are in memory and sent at the same time. */
const AT_ONCE = 4;

const NEEDS =
  "s3:PutObject, s3:GetObject, s3:ListBucket, s3:ListBucketMultipartUploads, s3:ListMultipartUploadParts and s3:AbortMultipartUpload on the model's bucket";

/**
 * Uploads the files that the bucket does not hold yet, one after the other.
 * @throws {TransferError} one sentence with its remedy; the parts that were sent are kept for the next try
 */
export async function uploadModel(args: UploadArgs): Promise<TransferResult> {
  const { connection, bucket, signal } = args;
  const sending = signal === undefined ? {} : { abortSignal: signal };
  const sdk = await import("@aws-sdk/client-s3");
  const client = new sdk.S3Client(clientOptions(connection));
  const sum = new ProgressSum(args.files, args.onProgress);
  const result = { transferred: 0, alreadyPresent: 0 };
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
    return `The upload of ${name} was stopped after ${progressText(progress)}: \`pulumi up\` resumes it.`;
  if (error instanceof Error && error.name === "NoSuchBucket")
    return `${name} can't be uploaded: the bucket ${bucket} does not exist: run \`pulumi refresh\`, then \`pulumi up\`.`;
  const reason = awsClause(error, { service: "S3", needs: NEEDS });
  const sent = progress.bytesDone > 0 ? ` ${progressText(progress)} are uploaded; \`pulumi up\` resumes there.` : "";
  return `${name} can't be uploaded to the bucket ${bucket}: ${reason}${sent}`;
}

/** The upload of one file. */
class FileUpload {
  readonly #file: LocalFile;
  readonly #place: ObjectPlace;
  readonly #onBytes: (bytes: number) => void;
  readonly #partBytes: number;
  #sent = new Map<number, SentPart>();

  constructor(file: LocalFile, place: ObjectPlace, partBytes: number | undefined, onBytes: (bytes: number) => void) {
    this.#file = file;
    this.#place = place;
    this.#onBytes = onBytes;
    this.#partBytes = partBytes ?? partBytesFor(file.bytes);
  }

  async run(): Promise<keyof TransferResult> {
    const before = await this.#changedAt();
    if (await isThere(this.#place, this.#file.bytes)) {
      this.#onBytes(this.#file.bytes);
      return "alreadyPresent";
    }
    const handle = await open(this.#file.place.path);
    try {
      const id = (await this.#resumed(handle)) ?? (await beginUpload(this.#place));
      await this.#sendRest(handle, id);
      if ((await this.#changedAt()) !== before) {
        await abandonUpload(this.#place, id);
        throw this.#refused("was changed during the upload: leave it unchanged");
      }
      await completeUpload(this.#place, id, this.#sent);
    } finally {
      await handle.close();
    }
    return "transferred";
  }

  /** When the file was last changed. */
  async #changedAt(): Promise<number> {
    const { place, bytes } = this.#file;
    const found = await stat(place.path).catch((error: unknown) => {
      throw this.#refused("does not exist any more: put it back", error);
    });
    if (found.size === bytes) return found.mtimeMs;
    throw this.#refused(`has ${found.size} bytes, but the plan counted ${bytes}: wait until it is complete`);
  }

  #refused(what: string, cause?: unknown): TransferError {
    return new TransferError(`${this.#file.place.path} ${what}, then run \`pulumi up\` again.`, { cause });
  }

  /** The id of an earlier run's upload with the same content; its parts count as sent. */
  async #resumed(handle: FileHandle): Promise<string | null> {
    const earlier = await openUpload(this.#place);
    if (earlier === null) return null;
    for (const [number, part] of earlier.parts) {
      if (number > this.#partCount || !isSamePart(part, await this.#read(handle, number))) {
        await abandonUpload(this.#place, earlier.id);
        this.#sent = new Map();
        this.#onBytes(0);
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
    if (bytesRead !== length) throw this.#refused("became shorter during the upload: leave it unchanged");
    return buffer;
  }

  #count(number: number, part: SentPart): void {
    this.#sent.set(number, part);
    this.#onBytes([...this.#sent.values()].reduce((sum, { bytes }) => sum + bytes, 0));
  }
}
