/** What would make a model fit: changes of one value each, every one of them tried by placing the model again. */

import { type ClusterConfig, MAX_BACKENDS } from "../config/schema.ts";
import { GIB, type MemorySize, MIB, memoryBytes, memorySize } from "../config/units.ts";
import { applyChange } from "./change.ts";
import type { ModelFacts } from "./model/facts.ts";
import { leastThat, place } from "./placement.ts";
import type { ConfigChange } from "./types.ts";

/** A change that makes the model fit. */
export interface Remedy {
  change: ConfigChange;
  /** One sentence. */
  sentence: string;
  /** How much more memory the cluster then has. */
  extraBytes: number;
}

/** A machine with more than this for one backend does not exist. */
const MOST_MEMORY_MIB = (4096 * GIB) / MIB;

/** The change of one value that makes the model fit with the least additional memory; null if no single one does. */
export function cheapestFit(config: ClusterConfig, facts: ModelFacts): Remedy | null {
  const candidates = [
    ...config.backends.flatMap((_, index) => [moreMemory(config, facts, index), moreBackends(config, facts, index)]),
    moreFrontMemory(config, facts),
  ].filter((remedy) => remedy !== null);
  const [cheapest] = candidates.sort((a, b) => a.extraBytes - b.extraBytes);
  return cheapest ?? lessContext(config, facts);
}

/** The least front memory with which everything fits, some layers on the front if need be; null if none does. */
export function moreFrontMemory(config: ClusterConfig, facts: ModelFacts): Remedy | null {
  const extra = (memory: MemorySize) => ({ path: "front.memory", value: memory });
  const fits = (memory: MemorySize) => allFitsWith(config, facts, extra(memory));
  const size = leastMemory(memoryBytes(config.front.memory), fits);
  if (size === null) return null;
  return {
    change: extra(size),
    sentence: `Set front.memory to at least ${size}.`,
    extraBytes: memoryBytes(size) - memoryBytes(config.front.memory),
  };
}

function moreMemory(config: ClusterConfig, facts: ModelFacts, index: number): Remedy | null {
  const pool = config.backends[index];
  if (pool === undefined) return null;
  const path = `backends[${index}].memory`;
  const fits = (memory: MemorySize) => backendsFitWith(config, facts, { path, value: memory });
  const size = leastMemory(memoryBytes(pool.memory), fits);
  if (size === null) return null;
  return {
    change: { path, value: size },
    sentence: `Set ${path} to at least ${size}.`,
    extraBytes: pool.count * (memoryBytes(size) - memoryBytes(pool.memory)),
  };
}

function moreBackends(config: ClusterConfig, facts: ModelFacts, index: number): Remedy | null {
  const pool = config.backends[index];
  if (pool === undefined) return null;
  const path = `backends[${index}].count`;
  const others = config.backends.reduce((sum, { count }) => sum + count, 0) - pool.count;
  for (let count = pool.count + 1; count <= MAX_BACKENDS - others; count++) {
    const change = { path, value: count };
    if (!backendsFitWith(config, facts, change)) continue;
    const extraBytes = (count - pool.count) * memoryBytes(pool.memory);
    return { change, sentence: `Set ${path} to ${count}.`, extraBytes };
  }
  return null;
}

function lessContext(config: ClusterConfig, facts: ModelFacts): Remedy | null {
  const step = 256 * config.model.parallelSlots;
  const change = (steps: number) => ({ path: "model.contextTokens", value: steps * step });
  const most = Math.floor(config.model.contextTokens / step);
  // Counted from the top, so that the test holds from some number on.
  const given = leastThat((less) => backendsFitWith(config, facts, change(most - less)), 1, most - 1);
  if (given === null) return null;
  const tokens = change(most - given);
  return { change: tokens, sentence: `Set ${tokens.path} to at most ${tokens.value}.`, extraBytes: 0 };
}

/** The least amount of memory above the present one that makes everything fit, in steps that a person would write. */
function leastMemory(presentBytes: number, fits: (memory: MemorySize) => boolean): MemorySize | null {
  const exact = leastThat((mib) => fits(memorySize(mib * MIB)), presentBytes / MIB + 1, MOST_MEMORY_MIB);
  if (exact === null) return null;
  const step = exact < 1024 ? 64 : 256;
  return memorySize(Math.ceil(exact / step) * step * MIB);
}

/** Whether the backends then hold what they get; what the front lacks is a finding of its own. */
function backendsFitWith(config: ClusterConfig, facts: ModelFacts, change: ConfigChange): boolean {
  const placement = place(applyChange(config, change), facts);
  return placement?.backends.every(({ totalBytes, capacityBytes }) => totalBytes <= capacityBytes) ?? false;
}

function allFitsWith(config: ClusterConfig, facts: ModelFacts, change: ConfigChange): boolean {
  return place(applyChange(config, change), facts)?.fits === true;
}
