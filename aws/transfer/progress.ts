/** Progress of a transfer. */

import { GIB } from "../../config/units.ts";

export interface TransferProgress {
  bytesDone: number;
  bytesTotal: number;
}

/** `37.2 of 42.0 GiB`. */
export function progressText({ bytesDone, bytesTotal }: TransferProgress): string {
  return bytesTotal < GIB / 10
    ? `${inUnit(bytesDone, MEBIBYTE)} of ${inUnit(bytesTotal, MEBIBYTE)} MiB`
    : `${inUnit(bytesDone, GIB)} of ${inUnit(bytesTotal, GIB)} GiB`;
}

const MEBIBYTE = 1024 ** 2;
const inUnit = (bytes: number, unit: number) => (bytes / unit).toFixed(1);

/** Progress of all files of one transfer together. */
export class ProgressSum {
  readonly #done = new Map<string, number>();
  readonly #bytesTotal: number;
  readonly #onProgress: (progress: TransferProgress) => void;

  constructor(files: readonly { bytes: number }[], onProgress: ((progress: TransferProgress) => void) | undefined) {
    this.#bytesTotal = files.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#onProgress = onProgress ?? (() => {});
  }

  /** Records how many bytes of a file are transferred. */
  set(key: string, bytesDone: number): void {
    if (this.#done.get(key) === bytesDone) return;
    this.#done.set(key, bytesDone);
    this.#onProgress(this.value);
  }

  get value(): TransferProgress {
    const bytesDone = [...this.#done.values()].reduce((sum, bytes) => sum + bytes, 0);
    return { bytesDone, bytesTotal: this.#bytesTotal };
  }
}
