/**
 * The steps that each command needs, and how to run them under the lock. Only this file imports offline/: to remove that
 * folder, import from "../setup/official-only.ts" instead.
 */
import { join } from "node:path";
import { awsRefusal, ensureAwsTestTools, withOffline } from "../offline/ways.ts";
import { followDockerContext } from "../setup/docker-context.ts";
import { acquire } from "../setup/lock.mjs";
import { paths } from "../setup/paths.ts";
import { provide, type Step } from "../setup/runner.ts";
import { buildxStep, engineStep } from "../setup/steps/docker.ts";
import { baseImageStep, clearScratch, machineStep, sourceStep } from "../setup/steps/images.ts";
import { modelStep } from "../setup/steps/model.ts";
import { pluginStep } from "../setup/steps/plugins.ts";
import { shellStep, stateStep } from "../setup/steps/project.ts";
import { languageHostStep, pulumiStep } from "../setup/steps/pulumi.ts";
import { Terminal } from "../setup/terminal.ts";

export { awsRefusal, ensureAwsTestTools };

const commonSteps: readonly Step[] = [stateStep, shellStep, pulumiStep, languageHostStep, pluginStep("docker-build")];

/** The engine's steps, for `npm run pulumi`. */
export const engineSteps: readonly Step[] = withOffline([...commonSteps, pluginStep("docker")]);

/** The engine's steps if an older version of this project wrote the machine file, in a form that the program refuses. */
export const upgradeSteps: readonly Step[] = [...engineSteps, ...withOffline([machineStep])];

/** Steps to create a cluster on EC2: the engine, and Docker for the images. */
export const awsSteps: readonly Step[] = withOffline([...commonSteps, buildxStep, engineStep]);

/** Steps for a cluster on this machine. Long builds come first in their lane, so that the lanes end together. */
export const allSteps: readonly Step[] = [
  ...engineSteps,
  ...withOffline([buildxStep, engineStep, modelStep, baseImageStep, sourceStep, machineStep]),
];

/** Runs the steps of a command. */
export async function setUp(steps: readonly Step[], signal: AbortSignal, quiet = false): Promise<void> {
  // A program may read the command's output, so set-up prints to stderr.
  await followDockerContext();
  const terminal = new Terminal(quiet ? process.stderr : process.stdout);
  await provide(steps, {
    terminal,
    signal,
    quiet,
    lock: async () => {
      const wait = (holder: number, waited: number) =>
        terminal.line(`Another run (process ${holder}) is setting up; waiting for it (${waited} s).`);
      const lock = await acquire(join(paths.toolchain, "setup.lock"), wait, signal);
      await clearScratch(); // of killed runs: no other run holds the lock
      return lock;
    },
  });
}
