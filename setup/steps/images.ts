/** Steps for the images that our builds start from, and for the machine file. */
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
/** The change of a pulled image outside the project. */
export const imageEffect = (reference: string) => `puts the image ${reference} into the Docker engine`;

/** The base image of our images. */
export const baseImageStep: Step = {
  name: "base image",
  why: `${base.reference}, the base of our images`,
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
  // A machine that has cloned before keeps cloning, even while the repository does not answer, because another source would
  // rebuild every image.
  have: async () => (knownMachine() === null ? null : "cloned by the image build"),
  get: {
    how: "git, in the image build itself",
    typical: "at once",
    blocked: () => unreachable(repository),
    run: () => writeMachine({ buildArgs: {} }),
  },
};

/** The file that config/machine.ts reads. A file with other content is written again. */
export const machineStep: Step = {
  name: "machine file",
  why: "what this machine provides for builds",
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

/** Removes scratch files of killed runs. */
export async function clearScratch(): Promise<void> {
  if (!existsSync(paths.build)) return;
  for (const name of await readdir(paths.build)) await rm(join(paths.build, name), { recursive: true, force: true });
}
