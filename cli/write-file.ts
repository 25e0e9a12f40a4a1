/** Writes the file that a command line names; returns the reason instead of throwing if the path is not writable. */

import { writeFileSync } from "node:fs";
import { describeFileError } from "../config/file-errors.ts";

/**
 * Writes a file; returns null, or the reason why it can't be written with the remedy.
 * @param shown the path as the user wrote it
 * @param flag `wx` for a file that must not exist yet
 */
export function whyNotWritten(
  path: string,
  text: string,
  { shown = path, flag }: { shown?: string; flag: "w" | "wx" },
): string | null {
  try {
    writeFileSync(path, text, { flag });
    return null;
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    return describeFileError(String(error.code), shown) ?? error.message;
  }
}
