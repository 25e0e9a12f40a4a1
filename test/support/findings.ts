/** What tests of findings share. */

import { expect } from "vitest";
import type { ClusterConfig } from "../../config/schema/index.ts";
import type { Finding } from "../../plan/findings/finding.ts";
import { resolve } from "../../plan/hosts/resolve.ts";
import { type ModelFacts, planCluster } from "../../plan/index.ts";
import { applyChange, type ConfigChange } from "../../plan/remedies/change.ts";

/** Everything that the planner reports. */
export function findings(config: ClusterConfig, facts: ModelFacts): Finding[] {
  return planCluster(config, facts, { stack: "local" }).findings;
}

/** There is one of these for each pool or machine: the remedy is for that one alone. */
const EACH_FOR_ITSELF: ReadonlySet<string> = new Set(["gpu-shared", "type-not-offered", "gpu-driver-missing"]);

/**
 * Applies the change of every finding that has one, each by itself, and expects that finding to be gone, and its remedy to
 * say so where it leaves out a split of the user's own.
 */
export function expectChangesToHelp(config: ClusterConfig, facts: ModelFacts): void {
  for (const { code, path, remedy, remedyText } of findings(config, facts)) {
    const { change } = remedy;
    if (change === undefined) continue;
    expectToBeGone(config, facts, change, { code, path });
    const leavesOut = resolve(config).ownSplit !== null && resolve(applyChange(config, change)).ownSplit === null;
    expect(/layers out of every pool/i.test(remedyText), `${code}: ${remedyText}`).toBe(leavesOut);
  }
}

/** Expects the finding to be gone after the change. */
export function expectToBeGone(
  config: ClusterConfig,
  facts: ModelFacts,
  change: ConfigChange,
  { code, path }: { code: string; path?: string | undefined },
): void {
  const left = findings(applyChange(config, change), facts).filter(
    (other) => other.code === code && (!EACH_FOR_ITSELF.has(code) || other.path === path),
  );
  expect(left, `${code} after ${JSON.stringify(change)}`).toEqual([]);
}
