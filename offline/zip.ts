/** Takes one file out of a zip archive (a Python wheel is one) without reading the rest. */
import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createInflateRaw } from "node:zlib";

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER_BYTES = 30;
/** Longest possible end record: 22 bytes and a comment. */
const LONGEST_END_BYTES = 22 + 0xffff;

/** Where an entry lies in the archive. */
export interface ZipEntry {
  name: string;
  /** 0 = stored, 8 = deflated. */
  method: number;
  compressedBytes: number;
  /** Offset of the entry's local header. */
  offset: number;
}

/** Reads the central directory from the archive's last bytes and the directory itself. */
export function readDirectory(directory: Buffer): ZipEntry[] {
  const entries: ZipEntry[] = [];
  for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === DIRECTORY_ENTRY; ) {
    const nameBytes = directory.readUInt16LE(at + 28);
    entries.push({
      name: directory.toString("utf8", at + 46, at + 46 + nameBytes),
      method: directory.readUInt16LE(at + 10),
      compressedBytes: directory.readUInt32LE(at + 20),
      offset: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

/** Writes the entry `name` of `archive` to `file`. */
export async function extractEntry(archive: string, name: string, file: string): Promise<void> {
  const handle = await open(archive);
  try {
    const { size } = await handle.stat();
    const end = Buffer.alloc(Math.min(size, LONGEST_END_BYTES));
    await handle.read(end, 0, end.length, size - end.length);
    let at = end.length - 22;
    while (at >= 0 && end.readUInt32LE(at) !== END_OF_DIRECTORY) at -= 1;
    if (at < 0) throw new Error(`${archive} is no zip archive`);
    const directory = Buffer.alloc(end.readUInt32LE(at + 12));
    await handle.read(directory, 0, directory.length, end.readUInt32LE(at + 16));
    const entry = readDirectory(directory).find((one) => one.name === name);
    if (!entry) throw new Error(`${archive} holds no ${name}`);
    const header = Buffer.alloc(LOCAL_HEADER_BYTES);
    await handle.read(header, 0, LOCAL_HEADER_BYTES, entry.offset);
    // The local header has name and extra field of its own lengths.
    const start = entry.offset + LOCAL_HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
    const source = createReadStream(archive, { start, end: start + entry.compressedBytes - 1, highWaterMark: 1 << 20 });
    if (entry.method === 0) await pipeline(source, createWriteStream(file));
    else if (entry.method === 8) await pipeline(source, createInflateRaw(), createWriteStream(file));
    else throw new Error(`${name} is compressed by method ${entry.method}, which is not known here`);
  } finally {
    await handle.close();
  }
}
