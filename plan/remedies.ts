/** What would help: changes of one value each, every one of them tried by placing the model again. */

import { type ClusterConfig, MAX_BACKENDS } from "../config/schema.ts";
import { GIB, type MemorySize, MIB, memoryBytes, memorySize } from "../config/units.ts";
import { applyChange } from "./change.ts";
import { capacityText, frontHost, poolHost } from "./machines.ts";
import type { ModelFacts } from "./model/facts.ts";
import { leastThat, type Placement, place } from "./placement.ts";
import type { ConfigChange } from "./types.ts";

/** A change that helps. */
export interface Remedy {
  change: ConfigChange;
  /** One sentence. */
  sentence: string;
  /** How much more memory the cluster then has. */
  extraBytes: number;
}

/** What is wanted of a placement. */
type Goal = (placement: Placement) => boolean;

/** A configuration, and whether a change of it reaches the goal. */
interface Trial {
  config: ClusterConfig;
  helps(change: ConfigChange): boolean;
}

/** A machine with more than this for one backend does not exist. */
const MOST_MEMORY_MIB = (4096 * GIB) / MIB;

/** What the backends get, they can hold; what the front lacks is a finding of its own. */
const backendsFit: Goal = ({ backends }) =>
  backends.every(({ totalBytes, capacityBytes }) => totalBytes <= capacityBytes);

/** The change of one value that makes the model fit with the least additional memory; null if no single one does. */
export function cheapestFit(config: ClusterConfig, facts: ModelFacts): Remedy | null {
  const trial = trialOf(config, facts, backendsFit);
  return cheapest([...backendRemedies(trial), moreFrontMemory(config, facts)]) ?? lessContext(trial);
}

/** The change of one value that lets the backends hold every layer with the least additional memory. */
export function cheapestWithoutFrontLayers(config: ClusterConfig, facts: ModelFacts): Remedy | null {
  const isReached: Goal = ({ frontLayers, fits }) => frontLayers === 0 && fits;
  return cheapest(backendRemedies(trialOf(config, facts, isReached)));
}

/** The least front memory with which everything fits, some layers on the front if need be; null if none does. */
export function moreFrontMemory(config: ClusterConfig, facts: ModelFacts): Remedy | null {
  return moreMemory(
    trialOf(config, facts, ({ fits }) => fits),
    "front.memory",
    capacityText(frontHost(config)),
    1,
  );
}

function trialOf(config: ClusterConfig, facts: ModelFacts, isReached: Goal): Trial {
  return {
    config,
    helps(change) {
      const placement = place(applyChange(config, change), facts);
      return placement !== null && isReached(placement);
    },
  };
}

function cheapest(remedies: readonly (Remedy | null)[]): Remedy | null {
  const [first] = remedies.filter((remedy) => remedy !== null).sort((a, b) => a.extraBytes - b.extraBytes);
  return first ?? null;
}

function backendRemedies(trial: Trial): (Remedy | null)[] {
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
function moreMemory({ helps }: Trial, path: string, present: MemorySize, holders: number): Remedy | null {
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

function moreBackends({ config, helps }: Trial, index: number): Remedy | null {
  const pool = config.backends[index];
  if (pool === undefined) return null;
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

function lessContext({ config, helps }: Trial): Remedy | null {
  const step = 256 * config.model.parallelSlots;
  const change = (steps: number) => ({ path: "model.contextTokens", value: steps * step });
  const most = Math.floor(config.model.contextTokens / step);
  // Counted from the top, so that the test holds from some number on.
  const given = leastThat((less) => helps(change(most - less)), 1, most - 1);
  if (given === null) return null;
  const tokens = change(most - given);
  return { change: tokens, sentence: `Set ${tokens.path} to at most ${tokens.value}.`, extraBytes: 0 };
}
