/** The longest time for a start. */

import { GIB } from "../../config/units.ts";

/** Time to wait for the backends, and a margin for a load that is slow for other reasons than its size. */
const BASE_SECONDS = 300;
/** Corresponds to about 50 MiB/s: a slow disk, or a gigabit network that two loads share. */
const SECONDS_PER_GIB = 20;
const MOST_SECONDS = 6 * 3600;

/** Seconds that waiting for the backends and loading the model may take. */
export function startupSeconds(modelBytes: number): number {
  return Math.min(MOST_SECONDS, BASE_SECONDS + Math.ceil((SECONDS_PER_GIB * modelBytes) / GIB));
}
