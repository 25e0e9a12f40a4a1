/** Replacement of offline/ways.ts: cli/steps.ts imports this file if the folder offline/ was removed. */
import type { Step } from "./runner.ts";

/** The reason (the middle of a sentence) and the remedy (sentences). */
export interface Refusal {
  what: string;
  remedy: string;
}

/** The steps unchanged, with the official ways only. */
export const withOffline = (steps: readonly Step[]): Step[] => [...steps];

/** Installs nothing: a test is skipped with the reason if its tool is missing. */
export const ensureAwsTestTools = async (_root: string): Promise<void> => {};

/** Null, because the official programs can create a cluster on EC2. */
export const awsRefusal = (): Refusal | null => null;
