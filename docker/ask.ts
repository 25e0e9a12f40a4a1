/** Asks the Docker engine, and its machine if that is this one, what decides whether a planned cluster can be made. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { stat, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { freemem, hostname, release } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterConfig } from "../config/schema/index.ts";
import type { Flavour } from "../config/words.ts";
import type { ContainerFacts, DockerNetworkFacts, FileFacts, MachineFacts } from "../plan/account/machine.ts";
import type { ClusterPlan } from "../plan/plan.ts";
import type { EngineAddress } from "./address.ts";
import { askEngine, type EngineAnswers, type EngineInfo } from "./engine.ts";

/** What the questions are about. */
export interface MachineQuestions {
  plan: ClusterPlan;
  stack: string;
  /** Images that exist already. */
  references: Pick<ClusterConfig["images"], Flavour>;
  address: EngineAddress;
  timeoutSeconds: number;
}

const STACK_LABEL = "llama-rpc-cluster/stack";
/** Ports above `front.hostPort` that are tried. */
const PORTS_TRIED = 20;

/** @throws {Error} if the engine does not answer, see {@link askEngine} */
export async function askMachine({
  plan,
  stack,
  references,
  address,
  timeoutSeconds,
}: MachineQuestions): Promise<MachineFacts> {
  const repositories = `llama-rpc-cluster/${stack}-*`;
  const { info, imageTags, ...answers } = await askEngine(address, repositories, timeoutSeconds);
  const containers = containersOf(answers.containers, stack);
  const engineFacts = {
    containers,
    networks: networksOf(answers.networks, stack),
    memoryBytes: info.MemTotal,
    flavoursToBuild: flavoursToBuild(plan, stack, references, imageTags),
  };
  if (!("socketPath" in address) || !isThisMachine(info)) return { ...engineFacts, ...NOT_THIS_MACHINE };
  const { hostAddress, hostPort } = plan.front;
  const isOwnPort = containers.some(({ isOwn, published }) => isOwn && published.some(({ port }) => port === hostPort));
  const isHostPortTaken = isOwnPort ? null : !(await canListen(hostAddress, hostPort));
  const wantsGpu = [plan.front, ...plan.backends].some(({ flavour }) => flavour === "cuda");
  return {
    ...engineFacts,
    freeMemoryBytes: containers.some(({ isOwn }) => isOwn) ? null : freemem(),
    isHostPortTaken,
    freeHostPort: isHostPortTaken ? await firstFreePort(hostAddress, hostPort + 1) : null,
    disk: await diskOf(info.DockerRootDir),
    modelFiles: await modelFiles(plan, info),
    offersGpus: wantsGpu ? offersGpus(info) : null,
    hasGpu: wantsGpu ? hasGpu() : null,
  };
}

/** What an engine on another machine says nothing about. */
const NOT_THIS_MACHINE = {
  freeMemoryBytes: null,
  isHostPortTaken: null,
  freeHostPort: null,
  disk: null,
  modelFiles: null,
  offersGpus: null,
  hasGpu: null,
};

/**
 * Whether the engine runs beside this program. A socket may lead into a virtual machine (Docker Desktop), or out of a container
 * that this program runs in: then name, kernel or the engine's folder differ.
 */
function isThisMachine({ Name, OSType, KernelVersion, DockerRootDir }: EngineInfo): boolean {
  return OSType === "linux" && Name === hostname() && KernelVersion === release() && existsSync(DockerRootDir);
}

function containersOf(containers: EngineAnswers["containers"], stack: string): ContainerFacts[] {
  return containers.map(({ Names, Labels, Ports }) => ({
    name: (Names[0] ?? "").replace(/^\//, ""),
    isOwn: Labels?.[STACK_LABEL] === stack,
    published: (Ports ?? []).flatMap(({ IP, PublicPort, Type }) =>
      PublicPort === undefined || Type !== "tcp" ? [] : [{ address: IP ?? "0.0.0.0", port: PublicPort }],
    ),
  }));
}

/** Networks of other drivers than the default one for addresses, and those of a swarm, have an address space of their own. */
function networksOf(networks: EngineAnswers["networks"], stack: string): DockerNetworkFacts[] {
  return networks
    .filter(({ Scope, IPAM }) => Scope === "local" && IPAM.Driver === "default")
    .map(({ Name, Labels, IPAM }) => ({
      name: Name,
      isOwn: Labels?.[STACK_LABEL] === stack,
      cidrs: (IPAM.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []),
    }));
}

function flavoursToBuild(
  { images }: ClusterPlan,
  stack: string,
  references: MachineQuestions["references"],
  imageTags: readonly string[],
): Flavour[] {
  const missing = images.filter(
    ({ flavour, role }) =>
      references[flavour]?.[role] === undefined &&
      !imageTags.some((tag) => tag.startsWith(`llama-rpc-cluster/${stack}-${flavour}-${role}:`)),
  );
  return [...new Set(missing.map(({ flavour }) => flavour))];
}

/** Another preview may hold the port for the moment of its own try. */
const MOMENT_MS = 50;

async function canListen(host: string, port: number): Promise<boolean> {
  if (await listens(host, port)) return true;
  await sleep(MOMENT_MS);
  return listens(host, port);
}

/** Any other refusal, like that of a port below 1024, is for this program and not for the engine. */
function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "EADDRINUSE"));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

async function firstFreePort(host: string, from: number): Promise<number | null> {
  const ports = Array.from({ length: PORTS_TRIED }, (_, index) => from + index).filter((port) => port < 2 ** 16);
  for (const port of ports) if (await listens(host, port)) return port;
  return null;
}

async function diskOf(folder: string): Promise<MachineFacts["disk"]> {
  const { bavail, bsize } = await statfs(folder);
  return { folder, freeBytes: bavail * bsize };
}

/** An engine that shifts user ids says nothing about who the containers' user is. */
async function modelFiles({ model }: ClusterPlan, { SecurityOptions }: EngineInfo): Promise<FileFacts[] | null> {
  if (model.file === null || (SecurityOptions ?? []).some((option) => /name=(rootless|userns)/.test(option)))
    return null;
  return Promise.all(
    [model.file, ...(model.furtherFiles ?? [])].map(async (path) => {
      const { mode, uid, gid } = await stat(path);
      return { path, mode: mode & 0o777, uid, gid };
    }),
  );
}

/** Docker's engine hands GPUs out if it finds this program, whether or not it has a runtime of NVIDIA's. */
const HOOKS = ["nvidia-container-runtime-hook", "nvidia-container-toolkit"];
const PROGRAM_FOLDERS = [
  "/usr/local/sbin",
  "/usr/local/bin",
  "/usr/sbin",
  "/usr/bin",
  "/sbin",
  "/bin",
  "/run/current-system/sw/bin",
];

function offersGpus({ Runtimes, CDISpecDirs }: EngineInfo): boolean {
  return (
    Object.keys(Runtimes ?? {}).some((name) => name.includes("nvidia")) ||
    PROGRAM_FOLDERS.some((folder) => HOOKS.some((hook) => existsSync(join(folder, hook)))) ||
    (CDISpecDirs ?? []).some((folder) => existsSync(folder) && readdirSync(folder).length > 0)
  );
}

/** Files of NVIDIA's driver; of WSL's; of the boards whose GPU is no PCI device. */
const GPU_FILES = ["/proc/driver/nvidia", "/dev/nvidiactl", "/dev/dxg", "/dev/nvmap"];
const PCI_DEVICES = "/sys/bus/pci/devices";
const NVIDIA = "0x10de";

/** The driver may not be loaded before a container starts, so the hardware counts too. */
function hasGpu(): boolean | null {
  if (GPU_FILES.some((file) => existsSync(file))) return true;
  if (!existsSync(PCI_DEVICES)) return null;
  return readdirSync(PCI_DEVICES).some(
    (device) => readFileSync(join(PCI_DEVICES, device, "vendor"), "utf8").trim() === NVIDIA,
  );
}
