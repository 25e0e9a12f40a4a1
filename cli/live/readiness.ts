/** Waits for a front that is starting: after a reboot, a start of the engine, or the loss of a backend. */
import { setTimeout as wait } from "node:timers/promises";
import { statusOf } from "./cluster.ts";

const EVERY_MS = 1_000;
const SAY_EVERY_MS = 15_000;

/** What to wait for, and how. */
export interface Waiting {
  endpoint: string;
  /** Longest wait: the plan's time for a start. */
  seconds: number;
  /** Called immediately and then regularly with the reason for waiting. */
  say(line: string): void;
  /** HTTP status of a page, 0 if no answer comes. @default sends a request */
  status?: (url: string) => Promise<number>;
  /** @default 1 s */
  everyMilliseconds?: number;
}

/** Waits until the front is ready; returns null, or its last answer if the time is up. */
export async function waitUntilReady(waiting: Waiting, signal: AbortSignal): Promise<string | null> {
  const { endpoint, seconds, say, status = statusOf, everyMilliseconds = EVERY_MS } = waiting;
  const started = Date.now();
  let saidAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    signal.throwIfAborted();
    const answer = await status(`${endpoint}/health`);
    if (answer === 200) return null;
    const now = Date.now();
    const why =
      answer === 0 ? "it does not answer yet" : answer === 503 ? "it is loading the model" : `status ${answer}`;
    if (now - started >= seconds * 1_000) return why;
    if (now - saidAt >= SAY_EVERY_MS) {
      saidAt = now;
      say(`  … waiting for the front: ${why} (${Math.round((now - started) / 1_000)} s of at most ${seconds} s)`);
    }
    await wait(everyMilliseconds, undefined, { signal });
  }
}
