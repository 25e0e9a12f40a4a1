/** A file on an HTTP server, read by byte ranges: a few megabytes are transferred of a model of hundreds of gigabytes. */

import { type ByteSource, type FileRange, openRanges, SourceError, sizeOf } from "./byte-source.ts";

/** Options of a request. */
export interface HttpAccess {
  /** Sent as a bearer token, but not to another host after a redirect. */
  token?: string | undefined;
  /** The remedy if the server refuses access, as one sentence. */
  whenRefused?: string;
  /** The longest wait for one answer. @default 60 */
  timeoutSeconds?: number;
  /** Wait before the second attempt, doubled for the third. @default 0.5 */
  retrySeconds?: number;
}

const PASSING_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Opens a file on an HTTP server.
 * @throws {SourceError} in one sentence that says what to do
 */
export function openHttp(url: string, firstBytes: number, access: HttpAccess = {}): Promise<ByteSource> {
  return openRanges((start, end) => requestRange(url, start, end, access), firstBytes, access.retrySeconds);
}

async function requestRange(url: string, start: number, end: number, access: HttpAccess): Promise<FileRange> {
  const response = await fetch(url, {
    headers: {
      range: `bytes=${start}-${end - 1}`,
      // Ranges of a compressed body are not ranges of the file.
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
  return { bytes: Buffer.from(await response.arrayBuffer()), size, tag: response.headers.get("etag") };
}

function refusal(status: number, { whenRefused }: HttpAccess): Error {
  if (PASSING_STATUS.has(status)) return new Error(`the server answers ${status}`);
  switch (status) {
    case 200:
      return new SourceError("the server sends whole files only, no ranges: download the file and give its path.");
    case 401:
    case 403:
      return new SourceError(
        `the server refuses access (${status}): ${whenRefused ?? "give an address that needs no sign-in, or download the file and give its path."}`,
      );
    case 404:
    case 410:
      return new SourceError(`there is no such file (${status}): check the address.`);
    case 416:
      return new SourceError("it is empty: check the address.");
    default:
      return new SourceError(`the server answers ${status}: check the address.`);
  }
}
