import type { Step, Way } from "../setup/runner.ts";

/** What this folder adds to a step, for machines that reach only package registries. */
export interface OfflineWay {
  /** The way over package registries. @default none: the official way needs no download */
  way?: Way;
  /** Describes the result if the step itself would miss or misread it. @default the step's description */
  have?(step: Step): Promise<string | null>;
  /** The official way on such a machine. @default the step's way */
  run?: Way["run"];
}
