/** How far a transfer is. */

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

/** What all files of one transfer have come to. */
export class ProgressSum {
  readonly #done = new Map<string, number>();
  readonly #bytesTotal: number;
  readonly #tell: (progress: TransferProgress) => void;

  constructor(files: readonly { bytes: number }[], tell: ((progress: TransferProgress) => void) | undefined) {
    this.#bytesTotal = files.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#tell = tell ?? (() => {});
  }

  /** Takes note of what there is of one file. */
  set(key: string, bytesDone: number): void {
    if (this.#done.get(key) === bytesDone) return;
    this.#done.set(key, bytesDone);
    this.#tell(this.value);
  }

  get value(): TransferProgress {
    const bytesDone = [...this.#done.values()].reduce((sum, bytes) => sum + bytes, 0);
    return { bytesDone, bytesTotal: this.#bytesTotal };
  }
}
