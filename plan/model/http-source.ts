/** A file behind HTTP, read by byte ranges: of a model of hundreds of gigabytes, a few megabytes travel. */

import { setTimeout as delay } from "node:timers/promises";
import type { ByteSource } from "./byte-source.ts";

/** How a file is asked for. */
export interface HttpAccess {
  /** Sent as a bearer token; the redirect to another host does not get it. */
  token?: string | undefined;
  /** What to do where the server refuses access, as one sentence. */
  whenRefused?: string;
  /** Longest wait for one answer. @default 60 */
  timeoutSeconds?: number;
  /** Wait before the second attempt, doubled for the third. @default 0.5 */
  retrySeconds?: number;
}

/** A file that can't be read over HTTP. The message says what is wrong and what to do. */
export class HttpSourceError extends Error {}

/** An answer that another attempt may mend. */
class Passing extends Error {}

const ATTEMPTS = 3;
const PASSING_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

interface Range {
  bytes: Buffer;
  size: number;
  tag: string | null;
}

/**
 * Opens a file by reading its first bytes, which also say how long it is.
 * @throws {HttpSourceError} in one sentence that says what to do
 */
export async function openHttp(url: string, firstBytes: number, access: HttpAccess = {}): Promise<ByteSource> {
  const first = await readRange(url, 0, firstBytes, access);
  return {
    size: first.size,
    tag: first.tag,
    async read(start, end) {
      const known = first.bytes.subarray(start, end);
      const last = Math.min(end, first.size);
      if (start + known.length >= last) return known;
      const rest = await readRange(url, start + known.length, last, access);
      if (rest.size !== first.size || rest.tag !== first.tag) {
        throw new HttpSourceError("it changed while it was read: run the command again.");
      }
      return Buffer.concat([known, rest.bytes]);
    },
    close: () => Promise.resolve(),
  };
}

async function readRange(url: string, start: number, end: number, access: HttpAccess): Promise<Range> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await requestRange(url, start, end, access);
    } catch (error) {
      if (error instanceof HttpSourceError) throw error;
      if (attempt === ATTEMPTS) {
        throw new HttpSourceError(`${reasonOf(error)} (${ATTEMPTS} attempts): check the address and the network.`);
      }
      await delay((access.retrySeconds ?? 0.5) * 1000 * 2 ** (attempt - 1));
    }
  }
}

async function requestRange(url: string, start: number, end: number, access: HttpAccess): Promise<Range> {
  const response = await fetch(url, {
    headers: {
      range: `bytes=${start}-${end - 1}`,
      // Ranges of a compressed body would be no ranges of the file.
      "accept-encoding": "identity",
      ...(access.token === undefined ? {} : { authorization: `Bearer ${access.token}` }),
    },
    signal: AbortSignal.timeout((access.timeoutSeconds ?? 60) * 1000),
  });
  if (response.status !== 206) {
    // The body may be the whole model.
    await response.body?.cancel();
    throw refusal(response.status, access);
  }
  const size = sizeOf(response.headers.get("content-range"), start);
  const bytes = Buffer.from(await response.arrayBuffer());
  if (bytes.length !== Math.min(end, size) - start) throw new Passing("the answer was cut off");
  return { bytes, size, tag: response.headers.get("etag") };
}

/** The file's size, which a server says with each range. */
function sizeOf(contentRange: string | null, start: number): number {
  const match = /^bytes (\d+)-\d+\/(\d+)$/.exec(contentRange ?? "");
  if (match !== null && Number(match[1]) === start) return Number(match[2]);
  throw new HttpSourceError(
    `the server does not say which bytes it sent (Content-Range: ${contentRange ?? "none"}): download the file and give its path.`,
  );
}

function refusal(status: number, { whenRefused }: HttpAccess): Error {
  if (PASSING_STATUS.has(status)) return new Passing(`the server answers ${status}`);
  switch (status) {
    case 200:
      return new HttpSourceError("the server sends whole files only, no ranges: download the file and give its path.");
    case 401:
    case 403:
      return new HttpSourceError(
        `the server refuses access (${status}): ${whenRefused ?? "give an address that needs no sign-in, or download the file and give its path."}`,
      );
    case 404:
    case 410:
      return new HttpSourceError(`there is no such file (${status}): check the address.`);
    case 416:
      return new HttpSourceError("it is empty: check the address.");
    default:
      return new HttpSourceError(`the server answers ${status}: check the address.`);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "the server does not answer";
  // `fetch failed` says nothing; its cause does.
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}
