/** Whether machines could hold a model: a quick answer, so that many can be tried before one is placed. */

import { MAX_BACKENDS } from "../../config/bounds.ts";
import type { ClusterConfig } from "../../config/schema/index.ts";
import { frontHost, type Slot, slotsOf } from "../hosts/hosts.ts";
import { type MemoryModel, memoryModel } from "../memory/devices.ts";
import { runSettings } from "../memory/settings.ts";
import type { ModelFacts } from "../model/facts.ts";
import { isPipelined, leastThat, ownSplit } from "../placement/index.ts";

/** Which layers backends are to hold: every one, or all but those that the front can compute. */
export type Share = "all" | "with the front";

/**
 * Whether backends could hold their share: each device takes as many layers as it can, in order. Placing them evenly takes
 * far longer and decides; an own split is placed at once, so that it passes.
 */
export function couldHold(config: ClusterConfig, facts: ModelFacts, share: Share): boolean {
  if (ownSplit(config) !== null) return true;
  const slots = slotsOf(config);
  if (slots.length > MAX_BACKENDS || slots.length > facts.layers) return false;
  const memory = memoryModel(facts, runSettings(config));
  if (holdFrom(0, slots, facts, memory)) return true;
  const most = share === "all" ? 0 : mostOnFront(config, facts, memory, slots.length);
  return most > 0 && holdFrom(most, slots, facts, memory);
}

/** Layers that the front could compute itself. */
function mostOnFront(config: ClusterConfig, facts: ModelFacts, memory: MemoryModel, backends: number): number {
  const { capacityBytes } = frontHost(config);
  const most = facts.layers - backends;
  const isTooMany = (layers: number) => memory.front(capacityBytes, layers, false).totalBytes > capacityBytes;
  return most < 1 ? 0 : (leastThat(isTooMany, 1, most) ?? most + 1) - 1;
}

function holdFrom(frontLayers: number, slots: readonly Slot[], facts: ModelFacts, memory: MemoryModel): boolean {
  const pipelined = isPipelined(slots.length, frontLayers);
  let first = frontLayers;
  for (const [device, { flavour, capacityBytes }] of slots.entries()) {
    const after = slots.length - device - 1;
    const most = facts.layers - first - after;
    const isTooMany = (count: number) => {
      const layers = { first, count, holdsOutput: after === 0, followsFront: device === 0 && frontLayers > 0 };
      return memory.backend(flavour, capacityBytes, layers, pipelined).totalBytes > capacityBytes;
    };
    const count = (leastThat(isTooMany, 1, most) ?? most + 1) - 1;
    if (count < 1) return false;
    first += count;
  }
  return first === facts.layers;
}
