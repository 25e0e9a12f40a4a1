/** Version numbers as programs print them. */

/** The first `a.b.c` in a text; null if there is none. */
export function versionIn(text: string): string | null {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return match ? `${match[1]}.${match[2]}.${match[3] ?? "0"}` : null;
}

/** Negative if `a` is older than `b`, 0 if equal, positive if newer. */
export function compareVersions(a: string, b: string): number {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (let index = 0; index < 3; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether `version` is at least `minimum`. */
export const atLeast = (version: string, minimum: string): boolean => compareVersions(version, minimum) >= 0;
