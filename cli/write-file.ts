/** Writes what a command was asked to write; a path that can't be written to is an answer, not a defect. */

import { writeFileSync } from "node:fs";
import { describeFileError } from "../config/file-errors.ts";

/**
 * Writes a file; answers null, or why it can't be written and what to do.
 * @param shown the path as the user knows it
 * @param flag `wx` for a file that must not be there yet
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
