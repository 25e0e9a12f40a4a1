/** Whether machines could hold a model: a quick estimate, so that many clusters can be tried before one is placed. */

import { MAX_BACKENDS } from "../../config/bounds.ts";
import type { Backend, Cluster } from "../hosts/cluster.ts";
import { type MemoryModel, memoryModel } from "../memory/devices.ts";
import type { ModelFacts } from "../model/facts.ts";
import { isPipelined, smallestWhere } from "../placement/index.ts";

/** Which layers the backends must hold: all, or all except those that the front can compute. */
export type Share = "all" | "with the front";

/**
 * Whether backends could hold their share: each device in turn takes as many layers as it can. A real placement takes far
 * longer and has the last word. An own split always passes, because it is quick to place.
 */
export function couldHold(cluster: Cluster, facts: ModelFacts, share: Share): boolean {
  const { ownSplit, backends, settings } = cluster;
  if (ownSplit !== null) return true;
  if (backends.length > MAX_BACKENDS || backends.length > facts.layers) return false;
  const memory = memoryModel(facts, settings);
  if (holdFrom(0, backends, facts, memory)) return true;
  const most = share === "all" ? 0 : mostOnFront(cluster, facts, memory);
  return most > 0 && holdFrom(most, backends, facts, memory);
}

/** How many layers the front could compute itself. */
function mostOnFront({ front, backends }: Cluster, facts: ModelFacts, memory: MemoryModel): number {
  const { capacityBytes } = front;
  const most = facts.layers - backends.length;
  const isTooMany = (layers: number) => memory.front(capacityBytes, layers, false).totalBytes > capacityBytes;
  return most < 1 ? 0 : (smallestWhere(isTooMany, 1, most) ?? most + 1) - 1;
}

function holdFrom(frontLayers: number, backends: readonly Backend[], facts: ModelFacts, memory: MemoryModel): boolean {
  const pipelined = isPipelined(backends.length, frontLayers);
  let first = frontLayers;
  for (const [device, { flavour, capacityBytes }] of backends.entries()) {
    const after = backends.length - device - 1;
    const most = facts.layers - first - after;
    const isTooMany = (count: number) => {
      const layers = { first, count, holdsOutput: after === 0, followsFront: device === 0 && frontLayers > 0 };
      return memory.backend(flavour, capacityBytes, layers, pipelined).totalBytes > capacityBytes;
    };
    const count = (smallestWhere(isTooMany, 1, most) ?? most + 1) - 1;
    if (count < 1) return false;
    first += count;
  }
  return first === facts.layers;
}
