/** Extracts one file from a zip archive, such as a Python wheel, in pieces, because wheels may be larger than memory. */
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Unzip, UnzipInflate } from "fflate";

const PIECE_BYTES = 1 << 20;

/**
 * Writes the entry `name` of `archive` to `file`.
 * @throws {Error} if the archive does not hold the whole entry
 */
export async function extractEntry(archive: string, name: string, file: string): Promise<void> {
  await pipeline(contentOf(archive, name), createWriteStream(file));
}

async function* contentOf(archive: string, name: string): AsyncIterable<Uint8Array> {
  const unpacked: Uint8Array[] = [];
  const progress: { failure: Error | null; at: "before" | "inside" | "after" } = { failure: null, at: "before" };
  const unzip = new Unzip((entry) => {
    if (entry.name !== name) return;
    progress.at = "inside";
    entry.ondata = (failure, data, isLast) => {
      progress.failure ??= failure;
      if (data) unpacked.push(data);
      if (isLast) progress.at = "after";
    };
    entry.start();
  });
  unzip.register(UnzipInflate);
  for await (const piece of createReadStream(archive, { highWaterMark: PIECE_BYTES })) {
    unzip.push(piece as Buffer);
    if (progress.failure !== null)
      throw new Error(`${name} in ${archive} can't be unpacked: ${progress.failure.message}`);
    yield* unpacked.splice(0);
    if (progress.at === "after") return;
  }
  throw new Error(progress.at === "before" ? `${archive} does not contain ${name}` : `${archive} ends inside ${name}`);
}
