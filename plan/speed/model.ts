/** The work models of models: each is made once for the same settings, because splits, estimates and searches share it. */

import { memoize, memoizeObject } from "../../config/collections.ts";
import { memoryModel } from "../memory/devices.ts";
import type { RunSettings } from "../memory/settings.ts";
import type { ModelFacts } from "../model/facts.ts";
import { type WorkModel, workModel } from "./work.ts";

/** Average part of a slot's context that is filled when an answer is generated: a conversation fills it step by step. */
export const FILLED_SHARE = 0.5;

const worksOf = memoizeObject((facts: ModelFacts) =>
  memoize(
    (settings: RunSettings) => workModel(facts, settings, memoryModel(facts, settings), FILLED_SHARE),
    (settings) => JSON.stringify(settings),
  ),
);

/** The work model of a model under these settings. */
export function workOf(settings: RunSettings, facts: ModelFacts): WorkModel {
  return worksOf(facts)(settings);
}
