/**
 * Units of the stack file, in types: an amount of memory is written `"2 GiB"`, and only
 * {@link memoryBytes} turns it into a plain number of bytes.
 */

export const MIB = 1024 ** 2;
export const GIB = 1024 ** 3;

/** An amount of memory as the stack file writes it: `"512 MiB"`, `"2 GiB"`, `"1.5 GiB"`. */
export type MemorySize = `${number} ${"MiB" | "GiB"}`;

const MEMORY_PATTERN = /^(\d+(?:\.\d+)?) (MiB|GiB)$/;

/** Whether the text is an amount of memory: a whole number of MiB above zero. */
export function isMemorySize(text: string): text is MemorySize {
  const match = MEMORY_PATTERN.exec(text);
  if (match === null) return false;
  const mib = Number(match[1]) * (match[2] === "GiB" ? 1024 : 1);
  return Number.isInteger(mib) && mib > 0;
}

/** Bytes of an amount of memory. */
export function memoryBytes(size: MemorySize): number {
  const [amount, unit] = size.split(" ");
  return Number(amount) * (unit === "GiB" ? GIB : MIB);
}

/** The shortest way to write that many bytes, rounded up to whole MiB: `"1.5 GiB"`, `"900 MiB"`. */
export function memorySize(bytes: number): MemorySize {
  const mib = Math.ceil(bytes / MIB);
  return mib % 256 === 0 && mib >= 1024 ? `${mib / 1024} GiB` : `${mib} MiB`;
}
