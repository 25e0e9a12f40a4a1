/** Computed once for a whole search: the model under the requested settings, and the fewest equal devices that hold it. */

import { MAX_BACKENDS } from "../../config/bounds.ts";
import { memoize } from "../../config/collections.ts";
import type { ClusterConfig } from "../../config/schema/index.ts";
import { type MachineType, machineTypes } from "../catalog/index.ts";
import { priceOf } from "../cost/prices.ts";
import type { AwsCluster } from "../hosts/cluster.ts";
import { backendHost, backendsPerMachine, type Host } from "../hosts/hosts.ts";
import { resolveOnAws } from "../hosts/resolve.ts";
import { type MemoryModel, memoryModel } from "../memory/devices.ts";
import type { ModelFacts } from "../model/facts.ts";
import { hasDriver } from "../remedies/candidates.ts";
import { workOf } from "../speed/model.ts";
import { deviceSpeed, linkBetween } from "../speed/rates.ts";
import { sumOf, type WorkModel } from "../speed/work.ts";

/** The request of a search. */
export interface Wishes {
  /** Settings of the model, region and limits. Its machines are placeholders. */
  base: ClusterConfig;
  /** Whether the backends run on spot machines. */
  spot: boolean;
  /** The lowest acceptable estimate of tokens per second; null accepts any speed. */
  minTokensPerSecond: number | null;
  /** Machine types to choose from. @default all types of the catalog */
  types?: readonly MachineType[];
}

/** Equal machines that hold the model. */
export interface Pool {
  type: MachineType;
  /** Number of machines. */
  count: number;
  /** Number of backends: one for each GPU, or one for each machine without GPUs. */
  devices: number;
}

/** The model under the requested settings, and the available machines. */
export interface SearchContext {
  /** The requested cluster. Its machines are placeholders. */
  base: AwsCluster;
  facts: ModelFacts;
  memory: MemoryModel;
  work: WorkModel;
  /** Types that the region sells and that have drivers. */
  types: readonly MachineType[];
  /** The smallest pool of a type that may hold every layer; null if no pool can. */
  leastPool(type: MachineType): Pool | null;
}

export function searchContextOf({ base: config, types = machineTypes() }: Wishes, facts: ModelFacts): SearchContext {
  const base = resolveOnAws(config);
  const memory = memoryModel(facts, base.settings);
  const fewest = memoize(
    (host: Host) => fewestDevices(host, facts, memory),
    ({ flavour, capacityBytes }) => `${flavour} ${capacityBytes}`,
  );
  return {
    base,
    facts,
    memory,
    work: workOf(base.settings, facts),
    types: types.filter((type) => priceOf(type, base.region, "on-demand") !== null && hasDriver(type)),
    leastPool(type) {
      const host = backendHost(type);
      const devices = fewest(host);
      const perMachine = backendsPerMachine(type, host.flavour);
      return devices === null ? null : poolOf(type, Math.ceil(devices / perMachine), facts);
    },
  };
}

/** A pool of `count` machines; null if it has more devices than llama.cpp accepts or than the model has layers. */
export function poolOf(type: MachineType, count: number, facts: ModelFacts): Pool | null {
  const devices = count * backendsPerMachine(type, backendHost(type).flavour);
  return devices > Math.min(MAX_BACKENDS, facts.layers) ? null : { type, count, devices };
}

/**
 * Upper bound of a pool's tokens per second, for any split: equal devices work one after the other, so only the number of
 * hops counts. It equals the estimate unless multiplying takes longer than reading in some of the layers only.
 */
export function mostTokensPerSecond(pool: Pool, front: MachineType, { facts, work }: SearchContext): number {
  const speed = deviceSpeed(pool.type, linkBetween(front, pool.type), backendHost(pool.type).flavour);
  const whole = sumOf(work.token(speed, { first: 0, count: facts.layers, holdsOutput: true }));
  const hop = sumOf(work.token(speed, { first: 0, count: 0, holdsOutput: false }));
  return 1 / (whole + (pool.devices - 1) * hop);
}

/**
 * The fewest equal devices that could hold every layer: each device in turn takes as many layers as fit. A longer run of
 * layers never needs less memory, so no other split needs fewer devices. Null if a device cannot hold one layer.
 */
function fewestDevices({ flavour, capacityBytes }: Host, facts: ModelFacts, memory: MemoryModel): number | null {
  const mostFrom = (first: number, pipelined: boolean) => {
    let count = 0;
    const needs = (more: number) => {
      const layers = { first, count: more, holdsOutput: first + more === facts.layers };
      return memory.backend(flavour, capacityBytes, layers, pipelined).totalBytes;
    };
    while (first + count < facts.layers && needs(count + 1) <= capacityBytes) count++;
    return count;
  };
  if (mostFrom(0, false) === facts.layers) return 1;
  let devices = 0;
  for (let first = 0; first < facts.layers; devices++) {
    const count = mostFrom(first, true);
    if (count === 0) return null;
    first += count;
  }
  return Math.max(2, devices);
}
