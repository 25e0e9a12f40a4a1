/** Bytes that a header is read from: a local file, or a file behind HTTP of which only the first part is asked for. */

import { open } from "node:fs/promises";

/** Something that can be read from its beginning on. */
export interface ByteSource {
  /** Bytes of the whole file. */
  readonly size: number;
  /** What the server says of the content (`ETag`); null where nothing does. */
  readonly tag: string | null;
  /** Bytes from `start` up to `end`, which is left out; fewer only at the end of the file. */
  read(start: number, end: number): Promise<Buffer>;
  close(): Promise<void>;
}

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
