/** What is worked out once for a whole search: the model under the asked settings, and how few equal devices hold it. */

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

/** What a cluster is looked for with. */
export interface Wishes {
  /** Settings of the model, region and limits; its machines are stand-ins. */
  base: ClusterConfig;
  /** Whether the backends' machines are bought as spot machines. */
  spot: boolean;
  /** Estimated tokens of an answer per second, at least; null if any speed will do. */
  minTokensPerSecond: number | null;
  /** Machine types to choose from. @default every one of the catalog */
  types?: readonly MachineType[];
}

/** Equal machines that hold the model. */
export interface Pool {
  type: MachineType;
  /** Machines. */
  count: number;
  /** Backends: one for each GPU, or one for each machine without. */
  devices: number;
}

/** The model under the asked settings, and the machines on offer. */
export interface Outlook {
  /** What was asked for; its machines are stand-ins. */
  base: AwsCluster;
  facts: ModelFacts;
  memory: MemoryModel;
  work: WorkModel;
  /** Types that are sold in the region and that there are drivers for. */
  types: readonly MachineType[];
  /** The smallest pool of a type that may hold every layer; null if none can. */
  leastPool(type: MachineType): Pool | null;
}

export function outlookOf({ base: config, types = machineTypes() }: Wishes, facts: ModelFacts): Outlook {
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

/** So many machines of a type; null if they are more devices than llama.cpp takes or than the model has layers. */
export function poolOf(type: MachineType, count: number, facts: ModelFacts): Pool | null {
  const devices = count * backendsPerMachine(type, backendHost(type).flavour);
  return devices > Math.min(MAX_BACKENDS, facts.layers) ? null : { type, count, devices };
}

/**
 * Tokens of an answer per second that a pool gives at most, whatever its split: equal devices take turns, so that only the
 * number of hops counts. It is the estimate itself but where multiplying takes longer than reading in some layers alone.
 */
export function mostTokensPerSecond(pool: Pool, front: MachineType, { facts, work }: Outlook): number {
  const speed = deviceSpeed(pool.type, linkBetween(front, pool.type), backendHost(pool.type).flavour);
  const whole = sumOf(work.token(speed, { first: 0, count: facts.layers, holdsOutput: true }));
  const hop = sumOf(work.token(speed, { first: 0, count: 0, holdsOutput: false }));
  return 1 / (whole + (pool.devices - 1) * hop);
}

/**
 * Fewest equal devices that could hold every layer: each in its turn takes as many as it has room for. A run of layers
 * never needs less than a part of it, so that no other split does with fewer. Null if one layer is too much for a device.
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
