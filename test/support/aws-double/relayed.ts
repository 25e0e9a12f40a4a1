/** The double of AWS behind a relay that can answer in its place, for all tests of a file. */

import { afterAll, beforeAll, beforeEach } from "vitest";
import { type AwsRelay, awsRelay } from "../aws-relay.ts";
import { type AwsDouble, noDouble, startDouble } from "./server.ts";

/** What runs while the tests of a file do. */
export interface RelayedDouble {
  /** @throws {Error} outside of a test */
  double: () => AwsDouble;
  /** @throws {Error} outside of a test */
  relay: () => AwsRelay;
}

/** Starts both before the file's tests, which are skipped with the reason if this machine can't; each test begins without answers. */
export function relayedDouble(): RelayedDouble {
  let reason: string | null = null;
  let running: { double: AwsDouble; relay: AwsRelay } | null = null;
  beforeAll(async () => {
    reason = await noDouble();
    if (reason !== null) return;
    const double = await startDouble();
    running = { double, relay: await awsRelay(double.endpoint) };
  });
  afterAll(async () => {
    await running?.relay.close();
    await running?.double.stop();
  });
  beforeEach((context) => {
    if (reason !== null) context.skip(reason);
    if (running !== null) running.relay.answers = [];
  });
  const get = () => {
    if (running === null) throw new Error("the double of AWS is not running");
    return running;
  };
  return { double: () => get().double, relay: () => get().relay };
}
