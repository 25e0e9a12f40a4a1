/** Images that must be there before ours can be built, and what the machine provides for building them. */
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { imageId } from "../docker.ts";
import { knownMachine, writeMachine } from "../machine-file.ts";
import { paths } from "../paths.ts";
import { unreachable } from "../probe.ts";
import { tail } from "../programs.ts";
import type { Step } from "../runner.ts";
import { versions } from "../versions.ts";

const base = versions.baseImage;
/** What getting an image changes outside the project. */
export const imageEffect = (reference: string) => `puts the image ${reference} into the Docker engine`;

/** The image that ours start from. */
export const baseImageStep: Step = {
  name: "base image",
  why: `${base.reference}, what our images start from`,
  lane: "fetch",
  needs: ["docker engine"],
  have: async () => {
    const id = await imageId(base.reference);
    return id && `${base.reference} (${id.slice("sha256:".length, "sha256:".length + 12)})`;
  },
  get: {
    how: "docker pull",
    typical: "30 MB",
    blocked: () => unreachable(base.registry),
    systemWide: async () => [imageEffect(base.reference)],
    run: async (report, signal) => {
      report.now("pulling");
      const args = ["pull", "--quiet", base.reference];
      const result = await execa("docker", args, { reject: false, all: true, stdin: "ignore", cancelSignal: signal });
      if (result.failed) throw new Error(tail(result.all));
    },
  },
};

const { commit, repository } = versions.llamaCpp;

/** llama.cpp's source, which the image builds clone. */
export const sourceStep: Step = {
  name: "llama.cpp source",
  why: `commit ${commit}, for the image builds`,
  lane: "fetch",
  needs: ["docker engine"],
  // A machine that once cloned goes on cloning, even while the repository does not answer: another source would build
  // every image again.
  have: async () => (knownMachine() === null ? null : "cloned by the image build"),
  get: {
    how: "git, in the image build itself",
    typical: "at once",
    blocked: () => unreachable(repository),
    run: () => writeMachine({ buildArgs: {} }),
  },
};

/** What config/machine.ts reads. A file that holds something else is written again. */
export const machineStep: Step = {
  name: "machine file",
  why: "tells the program what this machine provides",
  lane: "fetch",
  needs: ["llama.cpp source"],
  have: async () => (knownMachine() === null ? null : ".toolchain/machine.json"),
  get: {
    how: "writing .toolchain/machine.json",
    typical: "at once",
    blocked: async () => null,
    run: () => writeMachine({ buildArgs: {} }),
  },
};

/** Scratch files of runs that were killed. */
export async function clearScratch(): Promise<void> {
  if (!existsSync(paths.build)) return;
  for (const name of await readdir(paths.build)) await rm(join(paths.build, name), { recursive: true, force: true });
}
