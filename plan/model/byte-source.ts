/** Sources of a header's bytes: a local file, or a remote file of which only the first part is requested. */

import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** A file that can be read. */
export interface ByteSource {
  /** Bytes of the whole file. */
  readonly size: number;
  /** The server's `ETag` of the content; null for local files and for servers without one. */
  readonly tag: string | null;
  /** Reads the bytes from `start` up to and without `end`. Returns fewer bytes only at the end of the file. */
  read(start: number, end: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** A file can't be read, and another attempt would not help. The message says what is wrong and what to do. */
export class SourceError extends Error {}

/** A part of a remote file, and the facts about the whole file that its server reports. */
export interface FileRange {
  bytes: Buffer;
  size: number;
  tag: string | null;
}

/** Requests the bytes of a remote file from `start` up to and without `end`. Only a `SourceError` is not tried again. */
export type RangeRequest = (start: number, end: number) => Promise<FileRange>;

const ATTEMPTS = 3;

/** Opens a local file. */
export async function openFile(path: string): Promise<ByteSource> {
  const handle = await open(path, "r");
  const { size } = await handle.stat();
  return {
    size,
    tag: null,
    async read(start, end) {
      const buffer = Buffer.alloc(Math.max(0, Math.min(end, size) - start));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
      return buffer.subarray(0, bytesRead);
    },
    close: () => handle.close(),
  };
}

/**
 * Opens a remote file by reading its first bytes. The answer also contains its size.
 * @param retrySeconds wait before the second attempt, doubled for the third
 * @throws {SourceError} in one sentence that says what to do
 */
export async function openRanges(request: RangeRequest, firstBytes: number, retrySeconds = 0.5): Promise<ByteSource> {
  const first = await readRange(request, 0, firstBytes, retrySeconds);
  return {
    size: first.size,
    tag: first.tag,
    async read(start, end) {
      const known = first.bytes.subarray(start, end);
      const last = Math.min(end, first.size);
      if (start + known.length >= last) return known;
      const rest = await readRange(request, start + known.length, last, retrySeconds);
      if (rest.size !== first.size || rest.tag !== first.tag) {
        throw new SourceError("it changed while it was read: run the command again.");
      }
      return Buffer.concat([known, rest.bytes]);
    },
    close: () => Promise.resolve(),
  };
}

async function readRange(request: RangeRequest, start: number, end: number, retrySeconds: number): Promise<FileRange> {
  for (let attempt = 1; ; attempt++) {
    try {
      const range = await request(start, end);
      if (range.bytes.length !== Math.min(end, range.size) - start) throw new Error("the answer was cut off");
      return range;
    } catch (error) {
      if (error instanceof SourceError) throw error;
      if (attempt === ATTEMPTS) {
        throw new SourceError(`${reasonOf(error)} (${ATTEMPTS} attempts): check the address and the network.`);
      }
      await delay(retrySeconds * 1000 * 2 ** (attempt - 1));
    }
  }
}

/**
 * The file's size, which a server reports with each range (`Content-Range`).
 * @throws {SourceError} if the header is missing, or reports other bytes
 */
export function sizeOf(contentRange: string | null, start: number): number {
  const match = /^bytes (\d+)-\d+\/(\d+)$/.exec(contentRange ?? "");
  if (match !== null && Number(match[1]) === start) return Number(match[2]);
  throw new SourceError(
    `the server does not say which bytes it sent (Content-Range: ${contentRange ?? "none"}): download the file and give its path.`,
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "the server does not answer";
  // The message `fetch failed` has no information; its cause has.
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}
