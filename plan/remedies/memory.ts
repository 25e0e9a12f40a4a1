/** What would help where the stack file says how much memory there is: changes of one value each, every one of them tried. */

import { MAX_BACKENDS } from "../../config/bounds.ts";
import { GIB, type MemorySize, MIB, memoryBytes, memorySize } from "../../config/units.ts";
import type { Cluster, Pool } from "../hosts/cluster.ts";
import { capacityText } from "../hosts/hosts.ts";
import { resolve } from "../hosts/resolve.ts";
import type { ModelFacts } from "../model/facts.ts";
import { leastThat, type Placement, place } from "../placement/index.ts";
import { applyChange, type ConfigChange, setting, withoutSplit } from "./change.ts";
import { couldHold } from "./feasible.ts";
import type { Remedy } from "./remedy.ts";

/** A change that costs memory. */
interface MemoryStep {
  remedy: Remedy;
  /** How much more memory the cluster then has. */
  extraBytes: number;
}

/** What is wanted of a placement. */
export type Goal = (placement: Placement) => boolean;

/** A cluster, and whether a change of its configuration reaches the goal. */
interface Trial {
  cluster: Cluster;
  helps(change: ConfigChange): boolean;
}

/** A machine with more than this for one backend does not exist. */
const MOST_MEMORY_MIB = (4096 * GIB) / MIB;

/** What the backends get, they can hold; what the front lacks is a finding of its own. */
export const backendsFit: Goal = ({ backends }) =>
  backends.every(({ totalBytes, capacityBytes }) => totalBytes <= capacityBytes);

/** Every layer is on a backend, and everything fits. */
export const backendsHoldAll: Goal = ({ frontLayers, fits }) => frontLayers === 0 && fits;

/** Everything fits, some layers on the front if need be. */
export const everythingFits: Goal = ({ fits }) => fits;

/** The change of one value that makes the model fit with the least additional memory; null if no single one does. */
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

/** The least front memory with which everything fits, some layers on the front if need be; null if none does. */
export function moreFrontMemory(cluster: Cluster, facts: ModelFacts): Remedy | null {
  return frontStep(cluster, facts)?.remedy ?? null;
}

function frontStep(cluster: Cluster, facts: ModelFacts): MemoryStep | null {
  return moreMemory(trialOf(cluster, facts, everythingFits), "front.memory", capacityText(cluster.front), 1);
}

/** The planner's split instead of the user's own, if that is enough. */
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

/** That many bytes or a little more, in steps that a person would write. */
export function writtenSize(bytes: number): MemorySize {
  const step = (bytes < GIB ? 64 : 256) * MIB;
  return memorySize(Math.ceil(bytes / step) * step);
}

/** The least amount of memory above the present one that helps, in steps that a person would write. */
function moreMemory({ helps }: Trial, path: string, present: MemorySize, holders: number): MemoryStep | null {
  const isEnough = (mib: number) => helps(setting(path, memorySize(mib * MIB)));
  const least = leastThat(isEnough, memoryBytes(present) / MIB + 1, MOST_MEMORY_MIB);
  if (least === null) return null;
  const size = writtenSize(least * MIB);
  return {
    remedy: { change: setting(path, size, "at least") },
    extraBytes: holders * (memoryBytes(size) - memoryBytes(present)),
  };
}

function moreBackends({ cluster, helps }: Trial, { index, host, count: present }: Pool): MemoryStep | null {
  // An own split says how many backends there are.
  if (cluster.ownSplit !== null) return null;
  const path = `backends[${index}].count`;
  const others = cluster.pools.reduce((sum, { count }) => sum + count, 0) - present;
  for (let count = present + 1; count <= MAX_BACKENDS - others; count++) {
    const change = setting(path, count);
    if (helps(change)) return { remedy: { change }, extraBytes: (count - present) * host.capacityBytes };
  }
  return null;
}

/** The longest context with which the backends hold what they get. */
export function lessContext(cluster: Cluster, facts: ModelFacts): Remedy | null {
  const { helps } = trialOf(cluster, facts, backendsFit);
  const step = 256 * cluster.model.parallelSlots;
  const change = (steps: number) => setting("model.contextTokens", steps * step, "at most");
  const most = Math.floor(cluster.model.contextTokens / step);
  // Counted from the top, so that the test holds from some number on.
  const given = leastThat((less) => helps(change(most - less)), 1, most - 1);
  if (given === null) return null;
  return { change: change(most - given) };
}
