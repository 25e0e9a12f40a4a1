/** Docker Engine and its build front end. */
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { chmod, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { build, type GoProgram, goCaches, goMissing, isBuilt } from "../../offline/go.ts";
import { engineVersion, pluginFile, pluginFolder, startDaemon } from "../docker.ts";
import { download, reasonOf } from "../download.ts";
import { paths } from "../paths.ts";
import { unreachable } from "../probe.ts";
import { answerOf, isDebian, isRoot, tail, which, whichSystem } from "../programs.ts";
import type { Step } from "../runner.ts";
import type { Report } from "../terminal.ts";
import { versions } from "../versions.ts";
import { checksumOf } from "./pulumi.ts";

const daemonLog = join(paths.toolchain, "dockerd.log");
const START_TIMEOUT_MS = 60_000;
const hasSystemd = () => existsSync("/run/systemd/system");
/** Whether the engine that is meant is another one than this machine's own, which could be started here. */
const hostIsElsewhere = () => !/^(unix:\/\/(\/var)?\/run\/docker\.sock)?$/.test(process.env["DOCKER_HOST"] ?? "");

/** Installs Debian packages; leaves nothing half done that the next run would trip over. */
export async function installPackages(names: readonly string[], report: Report, signal: AbortSignal): Promise<void> {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const run = async (program: string, args: string[]): Promise<string | null> => {
    const child = execa(program, args, { env, reject: false, all: true, stdin: "ignore", cancelSignal: signal });
    for await (const line of child.iterable({ from: "all" })) report.now(`${program}: ${line.slice(0, 60)}`);
    const result = await child;
    return result.failed ? tail(String(result.all ?? result.shortMessage)) : null;
  };
  // An interrupted installation leaves packages unpacked but not configured.
  if (await answerOf("dpkg", ["--audit"])) await run("dpkg", ["--configure", "-a"]);
  const install = ["-o", "DPkg::Lock::Timeout=300", "install", "-y", "--no-install-recommends", ...names];
  // Package lists may be absent (containers) or stale, so they are fetched first; a dead third-party source is no reason to stop.
  const updated = await run("apt-get", ["-o", "DPkg::Lock::Timeout=300", "update"]);
  const failure = await run("apt-get", install);
  if (failure !== null)
    throw new Error(`apt-get install ${names.join(" ")} failed:\n    ${failure}${updated ? `\n    ${updated}` : ""}`);
}

async function waitForEngine(report: Report, signal: AbortSignal): Promise<void> {
  const until = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    signal.throwIfAborted();
    if ((await engineVersion()) !== null) return;
    if (Date.now() > until) break;
    report.now("waiting for the engine to answer");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const log = existsSync(daemonLog)
    ? `; the end of .toolchain/dockerd.log:\n    ${tail(readFileSync(daemonLog, "utf8"))}`
    : "";
  throw new Error(`the engine does not answer after ${START_TIMEOUT_MS / 1000} s${log}`);
}

async function startEngine(report: Report, signal: AbortSignal): Promise<void> {
  if (hasSystemd()) {
    const result = await execa("systemctl", ["start", "docker"], { reject: false, all: true, cancelSignal: signal });
    if (result.failed) throw new Error(`systemctl start docker failed: ${tail(result.all)}`);
  } else {
    await mkdir(paths.toolchain, { recursive: true });
    const descriptor = openSync(daemonLog, "a");
    startDaemon(descriptor);
    closeSync(descriptor);
    report.say(`started dockerd; its log is .toolchain/dockerd.log`);
  }
  await waitForEngine(report, signal);
}

const INSTALL = "install Docker Engine (https://docs.docker.com/engine/install)";

/** Why the engine that is installed can't be reached or started from here. */
async function startBlocked(): Promise<string | null> {
  if (hostIsElsewhere())
    return `DOCKER_HOST is ${process.env["DOCKER_HOST"]}, and no engine answers there: start it, or choose another (docker context use, DOCKER_HOST)`;
  if (whichSystem("dockerd") === null) return "it is not installed";
  if (which("docker") === null) return "its command line program, docker, is not installed";
  if (isRoot()) return null;
  const refused = await execa("docker", ["version"], { reject: false, all: true });
  if (/permission denied/i.test(String(refused.all))) {
    return 'it runs, but this user may not use it: sudo usermod -aG docker "$USER", log in anew, and run this again';
  }
  return "only root can start it: sudo systemctl start docker (or: sudo dockerd &), and run this again";
}

async function installBlocked(): Promise<string | null> {
  if (hostIsElsewhere())
    return "an engine of this machine would not be used while DOCKER_HOST or the Docker context names another";
  if (whichSystem("dockerd") !== null && which("docker") !== null) return "it is installed already";
  if (process.platform !== "linux") return `install and start Docker Desktop or another engine for ${process.platform}`;
  if (!isDebian()) return `packages are known for Debian and Ubuntu only: ${INSTALL}, start it, and run this again`;
  if (!isRoot())
    return "only root can install packages: sudo apt-get install docker.io docker-cli (or run this as root)";
  return null;
}

const isStarting = hasSystemd()
  ? "starts the service docker"
  : "starts dockerd in the background, which stays when this is done";

/** A Docker engine that answers. */
export const engineStep: Step = {
  name: "docker engine",
  why: "runs the cluster and builds its images",
  lane: "fetch",
  have: async () => {
    const version = await engineVersion();
    return version && `${version} answers`;
  },
  get: {
    how: "starting the one that is installed",
    typical: "a few seconds",
    blocked: startBlocked,
    systemWide: async () => [isStarting],
    run: startEngine,
  },
  getWithoutDownloads: {
    how: "Debian's package docker.io",
    typical: "under 1 min",
    blocked: installBlocked,
    systemWide: async () => [
      "installs the Debian packages docker.io and, where that has no docker command in it, docker-cli (apt-get)",
      isStarting,
    ],
    run: async (report, signal) => {
      if (whichSystem("dockerd") === null) await installPackages(["docker.io"], report, signal);
      // A package of its own from Debian 13 on.
      if (which("docker") === null) await installPackages(["docker-cli"], report, signal);
      if ((await engineVersion()) === null) await startEngine(report, signal);
    },
  },
};

const buildx: GoProgram = {
  module: "buildx",
  package: "github.com/docker/buildx/cmd/buildx",
  linkerFlags: `-s -w -X github.com/docker/buildx/version.Version=v${versions.buildx.version}`,
  output: join(paths.bin, "docker-buildx"),
  typical: "3 to 4 min with cold Go caches, under 1 min with warm ones",
};

const asset = () =>
  `buildx-v${versions.buildx.version}.${process.platform}-${process.arch === "x64" ? "amd64" : "arm64"}`;
const place = async (from: string): Promise<void> => {
  await mkdir(pluginFolder(), { recursive: true });
  await chmod(from, 0o755);
  const temporary = join(pluginFolder(), `.docker-buildx.${process.pid}`);
  await execa("cp", [from, temporary]);
  await rename(temporary, join(pluginFolder(), "docker-buildx"));
};
const outside = async () => [
  `puts docker-buildx into ${pluginFolder()}, where the Docker CLI of this user looks for it`,
];

/** docker-build calls `docker buildx` as the user would, so it has to be where the user's CLI finds it. */
export const buildxStep: Step = {
  name: "buildx",
  why: "Docker's front end for image builds",
  lane: "build",
  have: async () => {
    if (which("docker") === null) return pluginFile("docker-buildx") ? "plugin file is there" : null;
    const answer = await answerOf("docker", ["buildx", "version"]);
    return answer?.replace("github.com/docker/", "") ?? null;
  },
  get: {
    how: "its release on GitHub",
    typical: "about 70 MB",
    blocked: () => unreachable(`${versions.buildx.release}/${asset()}`),
    systemWide: outside,
    run: async (report, signal) => {
      const sums = await fetch(`${versions.buildx.release}/checksums.txt`, { signal });
      const sha256 = checksumOf(await sums.text(), asset());
      if (sha256 === null) throw new Error(reasonOf(new Error(`the release's checksums.txt does not list ${asset()}`)));
      const file = join(paths.downloads, asset());
      await download(`${versions.buildx.release}/${asset()}`, file, sha256, report, signal);
      await place(file);
    },
  },
  getWithoutDownloads: {
    how: "building it from Go modules",
    typical: buildx.typical,
    blocked: goMissing,
    systemWide: async () => [...(await outside()), ...(await goCaches())],
    run: async (report, signal) => {
      if (!isBuilt(buildx)) await build(buildx, report, signal);
      await place(buildx.output);
    },
  },
};
