/** Whether a server answers; asked once per run and address. */

import { memoize } from "../config/collections.ts";

const PROBE_TIMEOUT_MS = 2_500;

async function ask(url: string): Promise<string | null> {
  const host = new URL(url).host;
  try {
    const response = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await response.body?.cancel();
    // 401 is how a container registry greets; other refusals come from something in between.
    if (response.ok || response.status === 401) return null;
    return `${host} answers with status ${response.status}`;
  } catch {
    return `${host} does not answer`;
  }
}

/** Null if the address can be had from here; else why not. */
export const unreachable = memoize(ask);
