/** Remedies for clusters whose stack file declares the memory: changes of one value each. Each one is tried. */

import { MAX_BACKENDS } from "../../config/bounds.ts";
import { GIB, type MemorySize, MIB, memoryBytes, memorySize } from "../../config/units.ts";
import type { Cluster, Pool } from "../hosts/cluster.ts";
import { capacityText } from "../hosts/hosts.ts";
import { resolve } from "../hosts/resolve.ts";
import type { ModelFacts } from "../model/facts.ts";
import { type Placement, place, smallestWhere } from "../placement/index.ts";
import { applyChange, type ConfigChange, setting, withoutSplit } from "./change.ts";
import { couldHold } from "./feasible.ts";
import type { Remedy } from "./remedy.ts";

/** A change that costs memory. */
interface MemoryStep {
  remedy: Remedy;
  /** How much more memory the cluster then has. */
  extraBytes: number;
}

/** What a placement must reach. */
export type Goal = (placement: Placement) => boolean;

/** A cluster, and a test whether a change of it reaches a goal. */
interface Trial {
  cluster: Cluster;
  helps(change: ConfigChange): boolean;
}

/** The most memory of one backend: no machine has more. */
const MOST_MEMORY_MIB = (4096 * GIB) / MIB;

/** All backends fit. The front is checked by `front-memory-too-small`. */
export const backendsFit: Goal = ({ backends }) =>
  backends.every(({ totalBytes, capacityBytes }) => totalBytes <= capacityBytes);

/** Every layer is on a backend, and everything fits. */
export const backendsHoldAll: Goal = ({ frontLayers, fits }) => frontLayers === 0 && fits;

/** Everything fits. The front may compute some layers. */
export const everythingFits: Goal = ({ fits }) => fits;

/** The change of one value that makes the model fit with the least additional memory; null if none does. */
export function cheapestFit(cluster: Cluster, facts: ModelFacts): Remedy | null {
  const trial = trialOf(cluster, facts, backendsFit);
  return (
    plannersSplit(cluster, facts, backendsFit) ??
    cheapest([...backendSteps(trial), frontStep(cluster, facts)]) ??
    lessContext(cluster, facts)
  );
}

/** The change of one value that lets the backends hold every layer with the least additional memory. */
export function cheapestWithoutFrontLayers(cluster: Cluster, facts: ModelFacts): Remedy | null {
  return (
    plannersSplit(cluster, facts, backendsHoldAll) ?? cheapest(backendSteps(trialOf(cluster, facts, backendsHoldAll)))
  );
}

/** The least front memory with which everything fits, even if the front computes some layers; null if none is enough. */
export function moreFrontMemory(cluster: Cluster, facts: ModelFacts): Remedy | null {
  return frontStep(cluster, facts)?.remedy ?? null;
}

function frontStep(cluster: Cluster, facts: ModelFacts): MemoryStep | null {
  return moreMemory(trialOf(cluster, facts, everythingFits), "front.memory", capacityText(cluster.front), 1);
}

/** The planner's split in place of the user's own, if that is enough. */
export function plannersSplit(cluster: Cluster, facts: ModelFacts, isReached: Goal): Remedy | null {
  if (cluster.ownSplit === null) return null;
  const { change, config } = withoutSplit(cluster);
  const placement = place(resolve(config), facts);
  if (placement === null || !isReached(placement)) return null;
  return {
    change,
    note: "The planner's own split is enough.",
  };
}

function trialOf(cluster: Cluster, facts: ModelFacts, isReached: Goal): Trial {
  return {
    cluster,
    helps(change) {
      const changed = resolve(applyChange(cluster.config, change));
      const placement = couldHold(changed, facts, "with the front") ? place(changed, facts) : null;
      return placement !== null && isReached(placement);
    },
  };
}

function cheapest(steps: readonly (MemoryStep | null)[]): Remedy | null {
  const [first] = steps.filter((step) => step !== null).sort((a, b) => a.extraBytes - b.extraBytes);
  return first?.remedy ?? null;
}

function backendSteps(trial: Trial): (MemoryStep | null)[] {
  return trial.cluster.pools.flatMap((pool) => [
    moreMemory(trial, `backends[${pool.index}].memory`, capacityText(pool.host), pool.count),
    moreBackends(trial, pool),
  ]);
}

/** The bytes, rounded up to a size that people write. */
export function writtenSize(bytes: number): MemorySize {
  const step = (bytes < GIB ? 64 : 256) * MIB;
  return memorySize(Math.ceil(bytes / step) * step);
}

/** The least memory above the present one that helps, rounded up to a size that people write. */
function moreMemory({ helps }: Trial, path: string, present: MemorySize, holders: number): MemoryStep | null {
  const isEnough = (mib: number) => helps(setting(path, memorySize(mib * MIB)));
  const least = smallestWhere(isEnough, memoryBytes(present) / MIB + 1, MOST_MEMORY_MIB);
  if (least === null) return null;
  const size = writtenSize(least * MIB);
  return {
    remedy: { change: setting(path, size, "at least") },
    extraBytes: holders * (memoryBytes(size) - memoryBytes(present)),
  };
}

function moreBackends({ cluster, helps }: Trial, { index, host, count: present }: Pool): MemoryStep | null {
  // With an own split, the number of backends follows from the split.
  if (cluster.ownSplit !== null) return null;
  const path = `backends[${index}].count`;
  const others = cluster.pools.reduce((sum, { count }) => sum + count, 0) - present;
  for (let count = present + 1; count <= MAX_BACKENDS - others; count++) {
    const change = setting(path, count);
    if (helps(change)) return { remedy: { change }, extraBytes: (count - present) * host.capacityBytes };
  }
  return null;
}

/** The longest context with which the backends fit. */
export function lessContext(cluster: Cluster, facts: ModelFacts): Remedy | null {
  const { helps } = trialOf(cluster, facts, backendsFit);
  const step = 256 * cluster.model.parallelSlots;
  const change = (steps: number) => setting("model.contextTokens", steps * step, "at most");
  const most = Math.floor(cluster.model.contextTokens / step);
  // Counts down from the present context, because the search needs a test that holds from some number on.
  const given = smallestWhere((less) => helps(change(most - less)), 1, most - 1);
  if (given === null) return null;
  return { change: change(most - given) };
}
