import { dirname } from "node:path";

/** Why a path can't be written to, by the code of the system's error; null if only the error's own message says it. */
export function describeFileError(code: string, path: string): string | null {
  const folder = dirname(path);
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: `there is no folder ${folder}; make it, or choose another place.`,
    ENOTDIR: `${folder} is not a folder; choose another place.`,
    EISDIR: "it is a folder; name a file in it.",
    EEXIST: "something else has made it in the meantime; look at it, or choose another name.",
    EACCES: "you may not write there; choose another place, or have its permissions changed.",
    EPERM: "you may not write there; choose another place, or have its permissions changed.",
    EROFS: "nothing can be written there; choose another place.",
    ENOSPC: "the disk is full; make room, or choose another place.",
  };
  return reasons[code] ?? null;
}
