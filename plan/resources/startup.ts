/** How long a start may take. */

import { GIB } from "../../config/units.ts";

/** Waiting for the backends, and a load that is slow for other reasons than its size. */
const BASE_SECONDS = 300;
/** About 50 MiB/s: a slow disk or a gigabit network with a second load beside it. */
const SECONDS_PER_GIB = 20;
const MOST_SECONDS = 6 * 3600;

/** Seconds that waiting for the backends and loading the model may take. */
export function startupSeconds(modelBytes: number): number {
  return Math.min(MOST_SECONDS, BASE_SECONDS + Math.ceil((SECONDS_PER_GIB * modelBytes) / GIB));
}
