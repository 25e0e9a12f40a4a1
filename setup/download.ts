/** Downloads files and checks their hash. It resumes partial files and deletes wrong ones. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { megabytes, type Report } from "./terminal.ts";

/** A connection without data for this long counts as dead. */
const STALL_MS = 60_000;
const ATTEMPTS = 3;

/** Hash of a file's content, in hex. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

/** Converts `https://user:password@host/` for fetch, which takes credentials only as a header. */
export function requestFor(address: string | URL): { url: string; headers: Record<string, string> } {
  const url = new URL(address);
  const headers: Record<string, string> = {};
  if (url.username !== "") {
    const plain = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers["authorization"] = `Basic ${Buffer.from(plain).toString("base64")}`;
    url.username = "";
    url.password = "";
  }
  return { url: url.href, headers };
}

async function receive(address: string, part: string, report: Report, outer: AbortSignal): Promise<void> {
  const { url, headers } = requestFor(address);
  const offset = existsSync(part) ? (await stat(part)).size : 0;
  if (offset > 0) headers["range"] = `bytes=${offset}-`;
  const stalled = new AbortController();
  const watch = () => setTimeout(() => stalled.abort(new Error("no data for 60 s")), STALL_MS);
  let timer = watch();
  try {
    const signal = AbortSignal.any([outer, stalled.signal]);
    const response = await fetch(url, { headers, signal });
    if (response.status === 416) {
      await rm(part, { force: true }); // longer than the file on the server, so not a part of it
      throw new Error("the partial download did not fit and was deleted");
    }
    if (!response.ok || response.body === null) throw new Error(`status ${response.status} from ${new URL(url).host}`);
    const resumed = response.status === 206;
    const length = Number(response.headers.get("content-length") ?? 0);
    let received = resumed ? offset : 0;
    const total = length > 0 ? received + length : 0;
    const counted = async function* (source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
      for await (const chunk of source) {
        received += chunk.length;
        clearTimeout(timer);
        timer = watch();
        report.now(`downloading ${megabytes(received)}${total > 0 ? ` of ${megabytes(total)}` : ""}`);
        yield chunk;
      }
    };
    await pipeline(
      Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]),
      counted,
      createWriteStream(part, { flags: resumed ? "a" : "w" }),
    );
  } finally {
    clearTimeout(timer);
  }
}

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Downloads `url` to `file`, which exists only complete and with this hash. Does nothing if it exists already. */
export async function download(
  url: string,
  file: string,
  sha256: string,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  if (existsSync(file) && (await sha256Of(file)) === sha256) return;
  await mkdir(dirname(file), { recursive: true });
  const part = `${file}.part`;
  let last: unknown;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      await receive(url, part, report, signal);
      report.now("checking the hash");
      const found = await sha256Of(part);
      if (found !== sha256) {
        await rm(part, { force: true });
        throw new Error(
          `the file from ${new URL(url).host} has the SHA-256 ${found} instead of ${sha256}; it was deleted`,
        );
      }
      await rename(part, file);
      return;
    } catch (error) {
      signal.throwIfAborted();
      last = error;
      if (attempt < ATTEMPTS) {
        report.say(`attempt ${attempt} of ${ATTEMPTS} failed: ${reasonOf(error)}`);
        await wait(1_000 * attempt);
      }
    }
  }
  throw new Error(reasonOf(last));
}

/** The reason of an error; fetch puts it into `cause`. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return `${error.message}${cause}`;
}
