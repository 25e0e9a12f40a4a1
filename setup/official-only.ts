/** What cli/steps.ts imports in the place of offline/ways.ts where the folder offline/ has been removed. */
import type { Step } from "./runner.ts";

/** Why something can't be done on this machine, as the middle of a sentence, and what to do, as sentences. */
export interface Refusal {
  what: string;
  remedy: string;
}

/** The steps as they are: the official ways alone. */
export const withOffline = (steps: readonly Step[]): Step[] => [...steps];

/** Gets nothing: a test whose tool is not on this machine is skipped with the reason. */
export const ensureAwsTestTools = async (_root: string): Promise<void> => {};

/** Nothing of what the official ways bring keeps `pulumi up` from creating a cluster on EC2. */
export const awsRefusal = (): Refusal | null => null;
