/** What would help where the stack file says how much memory there is: changes of one value each, every one of them tried. */

import { MAX_BACKENDS } from "../../config/bounds.ts";
import type { ClusterConfig } from "../../config/schema/index.ts";
import { GIB, type MemorySize, MIB, memoryBytes, memorySize } from "../../config/units.ts";
import { capacityText, frontHost, poolHost } from "../hosts/hosts.ts";
import type { ModelFacts } from "../model/facts.ts";
import { leastThat, ownSplit, type Placement, place } from "../placement/index.ts";
import { withoutSplit } from "./candidates.ts";
import { applyChange, type ConfigChange } from "./change.ts";
import { couldHold } from "./feasible.ts";

/** A change that helps. */
export interface Remedy {
  change: ConfigChange;
  /** One sentence. */
  sentence: string;
}

/** The change of a remedy, for a finding. */
export function changeOf(remedy: Remedy | null): { change?: ConfigChange } {
  return remedy === null ? {} : { change: remedy.change };
}

/** A remedy that costs memory. */
interface MemoryRemedy extends Remedy {
  /** How much more memory the cluster then has. */
  extraBytes: number;
}

/** What is wanted of a placement. */
export type Goal = (placement: Placement) => boolean;

/** A configuration, and whether a change of it reaches the goal. */
interface Trial {
  config: ClusterConfig;
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
export function cheapestFit(config: ClusterConfig, facts: ModelFacts): Remedy | null {
  const trial = trialOf(config, facts, backendsFit);
  return (
    plannersSplit(config, facts, backendsFit) ??
    cheapest([...backendRemedies(trial), moreFrontMemory(config, facts)]) ??
    lessContext(config, facts)
  );
}

/** The change of one value that lets the backends hold every layer with the least additional memory. */
export function cheapestWithoutFrontLayers(config: ClusterConfig, facts: ModelFacts): Remedy | null {
  return (
    plannersSplit(config, facts, backendsHoldAll) ?? cheapest(backendRemedies(trialOf(config, facts, backendsHoldAll)))
  );
}

/** The least front memory with which everything fits, some layers on the front if need be; null if none does. */
export function moreFrontMemory(config: ClusterConfig, facts: ModelFacts): MemoryRemedy | null {
  return moreMemory(trialOf(config, facts, everythingFits), "front.memory", capacityText(frontHost(config)), 1);
}

/** The planner's split instead of the user's own, if that is enough. */
export function plannersSplit(config: ClusterConfig, facts: ModelFacts, isReached: Goal): Remedy | null {
  if (ownSplit(config) === null) return null;
  const without = withoutSplit(config);
  const placement = place(without, facts);
  if (placement === null || !isReached(placement)) return null;
  return {
    change: { path: "backends", value: without.backends },
    sentence: "Leave layers out of every pool: the planner's own split does it.",
  };
}

function trialOf(config: ClusterConfig, facts: ModelFacts, isReached: Goal): Trial {
  return {
    config,
    helps(change) {
      const changed = applyChange(config, change);
      const placement = couldHold(changed, facts, "with the front") ? place(changed, facts) : null;
      return placement !== null && isReached(placement);
    },
  };
}

function cheapest(remedies: readonly (MemoryRemedy | null)[]): MemoryRemedy | null {
  const [first] = remedies.filter((remedy) => remedy !== null).sort((a, b) => a.extraBytes - b.extraBytes);
  return first ?? null;
}

function backendRemedies(trial: Trial): (MemoryRemedy | null)[] {
  return trial.config.backends.flatMap((pool, index) => [
    moreMemory(trial, `backends[${index}].memory`, capacityText(poolHost(pool)), pool.count),
    moreBackends(trial, index),
  ]);
}

/** That many bytes or a little more, in steps that a person would write. */
export function writtenSize(bytes: number): MemorySize {
  const step = (bytes < GIB ? 64 : 256) * MIB;
  return memorySize(Math.ceil(bytes / step) * step);
}

/** The least amount of memory above the present one that helps, in steps that a person would write. */
function moreMemory({ helps }: Trial, path: string, present: MemorySize, holders: number): MemoryRemedy | null {
  const isEnough = (mib: number) => helps({ path, value: memorySize(mib * MIB) });
  const least = leastThat(isEnough, memoryBytes(present) / MIB + 1, MOST_MEMORY_MIB);
  if (least === null) return null;
  const size = writtenSize(least * MIB);
  return {
    change: { path, value: size },
    sentence: `Set ${path} to at least ${size}.`,
    extraBytes: holders * (memoryBytes(size) - memoryBytes(present)),
  };
}

function moreBackends({ config, helps }: Trial, index: number): MemoryRemedy | null {
  const pool = config.backends[index];
  // An own split says how many backends there are.
  if (pool === undefined || pool.layers !== undefined) return null;
  const path = `backends[${index}].count`;
  const others = config.backends.reduce((sum, { count }) => sum + count, 0) - pool.count;
  for (let count = pool.count + 1; count <= MAX_BACKENDS - others; count++) {
    const change = { path, value: count };
    if (!helps(change)) continue;
    const extraBytes = (count - pool.count) * poolHost(pool).capacityBytes;
    return { change, sentence: `Set ${path} to ${count}.`, extraBytes };
  }
  return null;
}

/** The longest context with which the backends hold what they get. */
export function lessContext(config: ClusterConfig, facts: ModelFacts): Remedy | null {
  const { helps } = trialOf(config, facts, backendsFit);
  const step = 256 * config.model.parallelSlots;
  const change = (steps: number) => ({ path: "model.contextTokens", value: steps * step });
  const most = Math.floor(config.model.contextTokens / step);
  // Counted from the top, so that the test holds from some number on.
  const given = leastThat((less) => helps(change(most - less)), 1, most - 1);
  if (given === null) return null;
  const tokens = change(most - given);
  return { change: tokens, sentence: `Set ${tokens.path} to at most ${tokens.value}.` };
}
