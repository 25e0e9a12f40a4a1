/** Steps for Docker Engine and its build front end. */
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { chmod, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { engineVersion, pluginFile, pluginFolder, startDaemon } from "../docker.ts";
import { download, reasonOf } from "../download.ts";
import { paths } from "../paths.ts";
import { unreachable } from "../probe.ts";
import { answerOf, isRoot, tail, which, whichSystem } from "../programs.ts";
import type { Step } from "../runner.ts";
import type { Report } from "../terminal.ts";
import { versions } from "../versions.ts";
import { checksumOf } from "./pulumi.ts";

const daemonLog = join(paths.toolchain, "dockerd.log");
const START_TIMEOUT_MS = 60_000;
const hasSystemd = () => existsSync("/run/systemd/system");
/** Whether the chosen engine is not this machine's own, which could be started here. */
export const hostIsElsewhere = () =>
  !/^(unix:\/\/(\/var)?\/run\/docker\.sock)?$/.test(process.env["DOCKER_HOST"] ?? "");

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

/** Starts the installed engine and waits until it answers. */
export async function startEngine(report: Report, signal: AbortSignal): Promise<void> {
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

/** Page that explains the installation. */
export const INSTALL_PAGE = "https://docs.docker.com/engine/install";

/** Why the installed engine can't be reached or started from here. */
async function startBlocked(): Promise<string | null> {
  if (hostIsElsewhere())
    return `DOCKER_HOST is ${process.env["DOCKER_HOST"]}, but no engine answers there: start it, or choose another (docker context use, DOCKER_HOST)`;
  if (whichSystem("dockerd") === null) return `it is not installed (how to: ${INSTALL_PAGE})`;
  if (which("docker") === null) return "its command line program, docker, is not installed";
  if (isRoot()) return null;
  const refused = await execa("docker", ["version"], { reject: false, all: true });
  if (/permission denied/i.test(String(refused.all))) {
    return 'it runs, but this user has no access: sudo usermod -aG docker "$USER", log in again, and run this again';
  }
  return "only root can start it: sudo systemctl start docker (or: sudo dockerd &), and run this again";
}

/** The changes of a start outside the project. */
export const engineStartEffect = hasSystemd()
  ? "starts the service docker"
  : "starts dockerd in the background, where it keeps running";

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
    how: "starting the installed one",
    typical: "a few seconds",
    blocked: startBlocked,
    systemWide: async () => [engineStartEffect],
    run: startEngine,
  },
};

const asset = () =>
  `buildx-v${versions.buildx.version}.${process.platform}-${process.arch === "x64" ? "amd64" : "arm64"}`;
/** Puts buildx into the Docker CLI's plugin folder. */
export const placeBuildx = async (from: string): Promise<void> => {
  await mkdir(pluginFolder(), { recursive: true });
  await chmod(from, 0o755);
  const temporary = join(pluginFolder(), `.docker-buildx.${process.pid}`);
  await execa("cp", [from, temporary]);
  await rename(temporary, join(pluginFolder(), "docker-buildx"));
};
/** The changes outside the project. */
export const buildxEffects = async () => [
  `puts docker-buildx into ${pluginFolder()}, the plugin folder of this user's Docker CLI`,
];

/** docker-build runs `docker buildx` like the user, so the user's CLI must find it. */
export const buildxStep: Step = {
  name: "buildx",
  why: "Docker's front end for image builds",
  lane: "build",
  have: async () => {
    if (which("docker") === null) return pluginFile("docker-buildx") ? "plugin file exists" : null;
    const answer = await answerOf("docker", ["buildx", "version"]);
    return answer?.replace("github.com/docker/", "") ?? null;
  },
  get: {
    how: "its release on GitHub",
    typical: "about 70 MB",
    blocked: () => unreachable(`${versions.buildx.release}/${asset()}`),
    systemWide: buildxEffects,
    run: async (report, signal) => {
      const sums = await fetch(`${versions.buildx.release}/checksums.txt`, { signal });
      const sha256 = checksumOf(await sums.text(), asset());
      if (sha256 === null) throw new Error(reasonOf(new Error(`the release's checksums.txt does not list ${asset()}`)));
      const file = join(paths.downloads, asset());
      await download(`${versions.buildx.release}/${asset()}`, file, sha256, report, signal);
      await placeBuildx(file);
    },
  },
};
