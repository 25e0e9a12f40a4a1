/** Writes what a command was asked to write; a path that can't be written to is an answer, not a defect. */

import { writeFileSync } from "node:fs";
import { dirname } from "node:path";

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
    return reasonOf(String(error.code), shown) ?? error.message;
  }
}

/** Why a path can't be written to, by the code of the system's error; null for a rare one, whose message must do. */
export function reasonOf(code: string, path: string): string | null {
  const folder = dirname(path);
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: `there is no folder ${folder}; make it, or choose another place.`,
    ENOTDIR: `${folder} is no folder; choose another place.`,
    EISDIR: "it is a folder; name a file in it.",
    EEXIST: "it has come to be there meanwhile; look at it, or choose another name.",
    EACCES: "you may not write there; choose another place, or have its permissions changed.",
    EPERM: "you may not write there; choose another place, or have its permissions changed.",
    EROFS: "nothing can be written there; choose another place.",
    ENOSPC: "the disk is full; make room, or choose another place.",
  };
  return reasons[code] ?? null;
}
