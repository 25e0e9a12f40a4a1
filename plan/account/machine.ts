/** What the machine of the Docker engine says about a planned cluster. Pure: `docker/` asks. */

import { networkOf, overlaps, parseNetwork } from "../../config/cidr.ts";
import { GIB, memorySize } from "../../config/units.ts";
import type { Flavour } from "../../config/words.ts";
import { errorsFirst, type Finding, findingsFrom, type Observation } from "../findings/finding.ts";
import { freeCidr } from "../hosts/addresses.ts";
import type { ClusterPlan } from "../plan.ts";
import { setting } from "../remedies/change.ts";
import { listed, type Remedy } from "../remedies/remedy.ts";

/** A running container. */
export interface ContainerFacts {
  name: string;
  /** Whether it belongs to the stack itself. */
  isOwn: boolean;
  /** TCP ports that it publishes on the machine; the address is 0.0.0.0 for all. */
  published: readonly { address: string; port: number }[];
}

/** A Docker network that shares the address space of a new bridge. */
export interface DockerNetworkFacts {
  name: string;
  /** Whether it belongs to the stack itself. */
  isOwn: boolean;
  /** Its IPv4 subnets. */
  cidrs: readonly string[];
}

/** A file as the system has it. */
export interface FileFacts {
  path: string;
  /** Permission bits. */
  mode: number;
  uid: number;
  gid: number;
}

/**
 * What the engine and its machine say. What could not be asked is null, because the engine runs on another machine or has no such
 * answer: nothing follows from it.
 */
export interface MachineFacts {
  containers: readonly ContainerFacts[];
  networks: readonly DockerNetworkFacts[];
  /** All of the machine's memory. */
  memoryBytes: number;
  /** Memory that is free now; null also if containers of the stack run, which would be counted twice. */
  freeMemoryBytes: number | null;
  /** Whether a program of the machine has `front.hostPort`. */
  isHostPortTaken: boolean | null;
  /** The next port above `front.hostPort` that is free. */
  freeHostPort: number | null;
  /** The disk that images go to. */
  disk: { folder: string; freeBytes: number } | null;
  /** Flavours with an image that the engine has to build. */
  flavoursToBuild: readonly Flavour[];
  /** The model's files. */
  modelFiles: readonly FileFacts[] | null;
  /** Whether the engine can hand an NVIDIA GPU to a container; null also if no container wants one. */
  offersGpus: boolean | null;
  /** Whether the machine has an NVIDIA GPU; null also if no container wants one. */
  hasGpu: boolean | null;
}

/** Looks for one kind of finding. */
type MachineCheck = (plan: ClusterPlan, facts: MachineFacts) => Observation[];

/** The user and the group of every container, see `images/*.Dockerfile`. */
const CONTAINER_ID = 10001;

/**
 * Disk that the first build of a flavour takes. `cpu`: 1.3 GB of build cache and 0.3 GB of images were measured; `cuda`: an
 * assumption, with NVIDIA's development image and kernels for every GPU of the list.
 */
const BUILD_BYTES: Readonly<Record<Flavour, number>> = { cpu: 2 * GIB, cuda: 20 * GIB };

const hostPortIsFree: MachineCheck = ({ front }, { containers, isHostPortTaken, freeHostPort }) => {
  const path = "front.hostPort";
  const publishing = containers.filter(({ published }) =>
    published.some(({ address, port }) => port === front.hostPort && ["0.0.0.0", front.hostAddress].includes(address)),
  );
  if (publishing.some(({ isOwn }) => isOwn)) return [];
  const [other] = publishing;
  if (other === undefined && isHostPortTaken !== true) return [];
  const holder = other === undefined ? "another program of this machine" : `the container ${other.name}`;
  const message = `Port ${front.hostPort} of ${front.hostAddress} is taken by ${holder}.`;
  const remedy: Remedy =
    freeHostPort === null
      ? { action: `set ${path} to a free port` }
      : { change: setting(path, freeHostPort), or: [{ action: "choose another free port" }] };
  return [{ code: "port-taken", severity: "error", path, message, remedy }];
};

const networkIsFree: MachineCheck = ({ network: { cidr } }, { networks }) => {
  const path = "access.privateCidr";
  const planned = networkOf(cidr);
  const others = networks
    .filter(({ isOwn }) => !isOwn)
    .flatMap(({ name, cidrs }) => cidrs.map((text) => ({ name, cidr: text, network: parseNetwork(text) })))
    .flatMap(({ network, ...other }) => (network === null ? [] : [{ ...other, network }]));
  const overlapping = others.filter(({ network }) => overlaps(network, planned));
  if (overlapping.length === 0) return [];
  const names = listed(overlapping.map((other) => `${other.name} (${other.cidr})`));
  const message = `The cluster's network ${cidr} overlaps with the Docker ${overlapping.length === 1 ? "network" : "networks"} ${names}.`;
  const taken = others.map(({ network }) => network);
  const free = freeCidr(cidr, [planned, ...taken]);
  const remedy: Remedy =
    free === null
      ? { action: `set ${path} to a private network that no Docker network overlaps` }
      : { change: setting(path, free), note: "No Docker network overlaps with it." };
  return [{ code: "network-overlaps", severity: "error", path, message, remedy }];
};

const backendsFitMemory: MachineCheck = ({ backends }, { memoryBytes }) => {
  const needed = plannedBytes(backends);
  if (needed <= memoryBytes) return [];
  return [
    {
      code: "machine-memory-too-small",
      severity: "error",
      message: `The backends on CPUs will use ${memorySize(needed)}, but the Docker engine's machine has ${memorySize(memoryBytes)}.`,
      remedy: {
        action: "use a model with fewer or smaller weights",
        or: [
          { action: "lower model.contextTokens" },
          { action: "plan for machines on EC2 (target: aws)" },
          { action: "if the engine runs in a virtual machine, give that more memory" },
        ],
      },
    },
  ];
};

const limitsFitFreeMemory: MachineCheck = ({ front, backends }, { memoryBytes, freeMemoryBytes }) => {
  const limits = [front, ...backends].reduce((sum, { containerMemoryBytes }) => sum + containerMemoryBytes, 0);
  const available = freeMemoryBytes ?? memoryBytes;
  // `machine-memory-too-small` already reports it as an error.
  if (limits <= available || plannedBytes(backends) > memoryBytes) return [];
  const planned = plannedBytes([front, ...backends]);
  const has =
    freeMemoryBytes === null
      ? memorySize(memoryBytes)
      : `${memorySize(freeMemoryBytes)} of ${memorySize(memoryBytes)} free`;
  return [
    {
      code: "memory-short",
      severity: "warning",
      message: `The containers may use ${memorySize(limits)} together and are planned to use ${memorySize(planned)}, but the machine has ${has}.`,
      remedy: {
        action: "end other programs",
        note: "The system kills programs that find no free memory.",
        or: [{ action: "lower front.memory and backends[].memory" }],
      },
    },
  ];
};

/** Memory of the machine that the parts on CPUs will use. */
function plannedBytes(parts: readonly Pick<ClusterPlan["backends"][number], "flavour" | "memory">[]): number {
  return parts.filter(({ flavour }) => flavour === "cpu").reduce((sum, { memory }) => sum + memory.totalBytes, 0);
}

const imagesFitDisk: MachineCheck = (_, { disk, flavoursToBuild }) => {
  const needed = flavoursToBuild.reduce((sum, flavour) => sum + BUILD_BYTES[flavour], 0);
  if (disk === null || needed <= disk.freeBytes) return [];
  return [
    {
      code: "disk-short",
      severity: "warning",
      message: `Building the images of flavour ${flavoursToBuild.join(" and ")} takes about ${memorySize(needed)}, but the disk of ${disk.folder} has ${memorySize(disk.freeBytes)} free.`,
      remedy: {
        action: "free disk space, for example with `docker system prune`",
        or: [{ action: "name existing images in images.cpu and images.cuda" }],
      },
    },
  ];
};

const modelIsReadable: MachineCheck = (_, { modelFiles }) =>
  (modelFiles ?? [])
    .filter((file) => !isReadable(file))
    .map(({ path, mode, uid }) => ({
      code: "model-unreadable",
      severity: "error",
      path: "model.source",
      message: `The containers run as uid ${CONTAINER_ID}, which can't read ${path}: its permissions are ${mode.toString(8).padStart(4, "0")}, and its owner is uid ${uid}.`,
      remedy: { action: `run \`chmod a+r '${path}'\`` },
    }));

/** The bits of owner, group and others, of which the first that apply decide. */
function isReadable({ mode, uid, gid }: FileFacts): boolean {
  if (uid === CONTAINER_ID) return (mode & 0o400) !== 0;
  if (gid === CONTAINER_ID) return (mode & 0o040) !== 0;
  return (mode & 0o004) !== 0;
}

const gpusAreOffered: MachineCheck = ({ front, backends }, { offersGpus, hasGpu }) => {
  if (![front, ...backends].some(({ flavour }) => flavour === "cuda")) return [];
  if (offersGpus !== false && hasGpu !== false) return [];
  const backend = backends.find(({ flavour }) => flavour === "cuda");
  const pools = [...new Set(backends.map(({ pool }) => pool))];
  const path = backend === undefined ? "front.flavour" : `backends[${pools.indexOf(backend.pool)}].flavour`;
  const what = backend === undefined ? "The front" : `Backend ${backend.name}`;
  const toCpu: Remedy = { action: `set ${path} to cpu` };
  const finding = { code: "gpu-not-offered", severity: "error", path } as const;
  if (hasGpu === false) {
    const message = `${what} has flavour cuda, but this machine has no NVIDIA GPU.`;
    const remedy = { ...toCpu, or: [{ action: "use a machine with an NVIDIA GPU and its driver" }] };
    return [{ ...finding, message, remedy }];
  }
  const message = `${what} has flavour cuda, but the Docker engine can't provide NVIDIA GPUs.`;
  const action =
    "install the NVIDIA Container Toolkit, run `nvidia-ctk runtime configure --runtime=docker` and restart the engine";
  return [{ ...finding, message, remedy: { action, or: [toCpu] } }];
};

const CHECKS: readonly MachineCheck[] = [
  hostPortIsFree,
  networkIsFree,
  backendsFitMemory,
  limitsFitFreeMemory,
  imagesFitDisk,
  modelIsReadable,
  gpusAreOffered,
];

/** What the machine's answers mean for a plan, errors first. */
export function machineFindings(plan: ClusterPlan, facts: MachineFacts): Finding[] {
  return errorsFirst(findingsFrom(CHECKS.flatMap((check) => check(plan, facts))));
}

/** The plan with the findings about the machine. */
export function withMachineFindings(plan: ClusterPlan, facts: MachineFacts): ClusterPlan {
  return { ...plan, findings: errorsFirst([...plan.findings, ...machineFindings(plan, facts)]) };
}
