/** What cli/steps.ts imports in the place of offline/ways.ts where the folder offline/ has been removed. */
import type { Step } from "./runner.ts";

/** The steps as they are: the official ways alone. */
export const withOffline = (steps: readonly Step[]): Step[] => [...steps];

/** Gets nothing: a test whose tool is not on this machine is skipped with the reason. */
export const ensureAwsTestTools = async (_root: string): Promise<void> => {};
