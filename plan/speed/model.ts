/** What layers take on devices, for one model under the same settings: made once, asked by splits, estimates and searches. */

import { memoize, memoizeObject } from "../../config/collections.ts";
import { memoryModel } from "../memory/devices.ts";
import type { RunSettings } from "../memory/settings.ts";
import type { ModelFacts } from "../model/facts.ts";
import { type WorkModel, workModel } from "./work.ts";

/** Part of a slot's context that an answer looks back on, on average: answers are given all along a conversation. */
export const FILLED_SHARE = 0.5;

const worksOf = memoizeObject((facts: ModelFacts) =>
  memoize(
    (settings: RunSettings) => workModel(facts, settings, memoryModel(facts, settings), FILLED_SHARE),
    (settings) => JSON.stringify(settings),
  ),
);

/** The work of a model's layers. */
export function workOf(settings: RunSettings, facts: ModelFacts): WorkModel {
  return worksOf(facts)(settings);
}
