/** What layers take on devices, for one model under the same settings: made once, asked by splits, estimates and searches. */

import { type MemoryModel, memoryModel } from "../memory/devices.ts";
import type { RunSettings } from "../memory/settings.ts";
import type { ModelFacts } from "../model/facts.ts";
import { type WorkModel, workModel } from "./work.ts";

/** Part of a slot's context that an answer looks back on, on average: answers are given all along a conversation. */
export const FILLED_SHARE = 0.5;

const known = new WeakMap<MemoryModel, WorkModel>();

/** The work of a model's layers. */
export function workOf(settings: RunSettings, facts: ModelFacts): WorkModel {
  const memory = memoryModel(facts, settings);
  const work = known.get(memory) ?? workModel(facts, settings, memory, FILLED_SHARE);
  known.set(memory, work);
  return work;
}
