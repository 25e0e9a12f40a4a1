import type { Step, Way } from "../setup/runner.ts";

/** What a machine that reaches package registries alone adds to a step. */
export interface OfflineWay {
  /** The way over package registries. @default none: the official way needs no download */
  way?: Way;
  /** What is there, in words, where the step by itself would not see or would misread it. @default what the step says */
  have?(step: Step): Promise<string | null>;
  /** What the official way does here. @default what the step says */
  run?: Way["run"];
}
