/** Ways over Debian's packages, on Debian and its derivatives. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { engineVersion } from "../setup/docker.ts";
import { paths } from "../setup/paths.ts";
import { answerOf, isRoot, tail, which, whichSystem } from "../setup/programs.ts";
import type { Way } from "../setup/runner.ts";
import { engineStartEffect, hostIsElsewhere, INSTALL_PAGE, startEngine } from "../setup/steps/docker.ts";
import { imageEffect } from "../setup/steps/images.ts";
import type { Report } from "../setup/terminal.ts";
import { versions as official } from "../setup/versions.ts";
import { madeHere } from "./import-image.ts";
import { versions } from "./versions.ts";

/** Whether this is Debian or a derivative, whose package names this project knows. */
export function isDebian(osRelease = readOsRelease()): boolean {
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(osRelease);
}

function readOsRelease(): string {
  return existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
}

/** Installs Debian packages, also after an interrupted installation. */
export async function installPackages(names: readonly string[], report: Report, signal: AbortSignal): Promise<void> {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const run = async (program: string, args: string[]): Promise<string | null> => {
    const child = execa(program, args, { env, reject: false, all: true, stdin: "ignore", cancelSignal: signal });
    for await (const line of child.iterable({ from: "all" })) report.now(`${program}: ${line.slice(0, 60)}`);
    const result = await child;
    return result.failed ? tail(String(result.all ?? result.shortMessage)) : null;
  };
  // An interrupted installation leaves packages unpacked but unconfigured.
  if (await answerOf("dpkg", ["--audit"])) await run("dpkg", ["--configure", "-a"]);
  const install = ["-o", "DPkg::Lock::Timeout=300", "install", "-y", "--no-install-recommends", ...names];
  // Package lists may be missing (containers) or old, so update them first; a broken third-party source does not matter.
  const updated = await run("apt-get", ["-o", "DPkg::Lock::Timeout=300", "update"]);
  const failure = await run("apt-get", install);
  if (failure !== null)
    throw new Error(`apt-get install ${names.join(" ")} failed:\n    ${failure}${updated ? `\n    ${updated}` : ""}`);
}

async function installBlocked(): Promise<string | null> {
  if (hostIsElsewhere())
    return "an engine on this machine would not be used while DOCKER_HOST or the Docker context names another";
  if (whichSystem("dockerd") !== null && which("docker") !== null) return "it is installed already";
  if (process.platform !== "linux") return `install and start Docker Desktop or another engine for ${process.platform}`;
  if (!isDebian())
    return `packages are known for Debian and Ubuntu only: install Docker Engine (${INSTALL_PAGE}), start it, and run this again`;
  if (!isRoot())
    return "only root can install packages: sudo apt-get install docker.io docker-cli (or run this as root)";
  return null;
}

/** Docker Engine from Debian's package. */
export const engineByApt: Way = {
  how: "Debian's package docker.io",
  typical: "under 1 min",
  blocked: installBlocked,
  systemWide: async () => [
    "installs the Debian packages docker.io and, if that has no docker command, docker-cli (apt-get)",
    engineStartEffect,
  ],
  run: async (report, signal) => {
    if (whichSystem("dockerd") === null) await installPackages(["docker.io"], report, signal);
    // A separate package since Debian 13.
    if (which("docker") === null) await installPackages(["docker-cli"], report, signal);
    if ((await engineVersion()) === null) await startEngine(report, signal);
  },
};

const base = official.baseImage;

async function mmdebstrapBlocked(): Promise<string | null> {
  if (whichSystem("mmdebstrap") !== null) return null;
  if (!isDebian()) return `it needs mmdebstrap; or pull the image yourself: docker pull ${base.reference}`;
  return isRoot() ? null : "only root can install it: sudo apt-get install mmdebstrap, and run this again";
}

/** The base image, made from Debian's packages. */
export const baseImageByMmdebstrap: Way = {
  how: "mmdebstrap from Debian's package mirror",
  typical: "about 1 min",
  blocked: mmdebstrapBlocked,
  systemWide: async () => [
    ...(whichSystem("mmdebstrap") === null
      ? ["installs the Debian package mmdebstrap with its dependencies (apt-get)"]
      : []),
    imageEffect(base.reference),
  ],
  run: async (report, signal) => {
    if (whichSystem("mmdebstrap") === null) await installPackages(["mmdebstrap"], report, signal);
    await mkdir(paths.build, { recursive: true });
    const tarball = join(paths.build, `base.${process.pid}.tar`);
    try {
      report.now("installing a minimal Debian into an archive");
      const args = ["--variant=minbase", "--quiet", versions.debianSuite, tarball];
      const quietly = { reject: false, all: true, stdin: "ignore", cancelSignal: signal } as const;
      const whole = await execa("mmdebstrap", args, quietly);
      if (whole.failed) {
        // During an update of the mirror its update suites are inconsistent, and apt refuses them.
        report.say("the update suites are not available (is the mirror being updated?); continuing without them");
        const main = await execa(
          "mmdebstrap",
          [...args, `deb http://deb.debian.org/debian ${versions.debianSuite} main`],
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
};
