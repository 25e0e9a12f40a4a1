/**
 * What a front or a backend has to work with: the single source for a device's memory, cores and speed. With target docker
 * the stack file says it; with target aws the machine's type does.
 */

import { GIB, type MemorySize, MIB, memoryBytes, memorySize } from "../../config/units.ts";
import type { Architecture, Flavour } from "../../config/words.ts";
import type { MachineType } from "../catalog/index.ts";

/** What one process, a front or a backend, has to work with. */
export interface Host<Type extends MachineType | null = MachineType | null> {
  flavour: Flavour;
  /** Memory for the model, its program included: of the container, or of the GPU. */
  capacityBytes: number;
  /** cgroup limit of the container. */
  containerBytes: number;
  threads: number;
  /** The machine from the catalog; null on the user's own. */
  type: Type;
}

const DEFAULT_THREADS = 2;

/** Kernel, Docker, the SSM agent and what they cache: kept free on each machine. An assumption; AL2023 idles at a third. */
const SYSTEM_BYTES = 1 * GIB;
/** Part of a machine's memory that Linux has at its disposal: firmware, page tables and the kernel's own image take the rest. */
const VISIBLE_SHARE = 0.97;
/**
 * Part of a GPU's memory, as EC2 reports it, that programs can have. ECC takes a sixteenth of a T4 (16 384 MiB are
 * reported, nvidia-smi shows 15 360); for other GPUs less is taken, and the driver keeps some hundred MiB.
 */
const GPU_VISIBLE_SHARE = 0.93;

/** What each backend has on a machine of the type. A machine with GPUs lends them unless the flavour says otherwise. */
export function backendHost(
  type: MachineType,
  flavour: Flavour = type.gpu === null ? "cpu" : "cuda",
): Host<MachineType> {
  return machineHost(type, flavour, backendsPerMachine(type, flavour));
}

/** What the front has on a machine of the type. Its GPUs compute no layers: layers that stay on the front are its processor's. */
export function frontHost(type: MachineType, flavour: Flavour): Host<MachineType> {
  return { ...machineHost(type, "cpu", 1), flavour };
}

/** What a container has on the user's own machine. */
export function ownHost(
  { memory, threads }: { memory?: MemorySize | undefined; threads?: number | undefined },
  flavour: Flavour,
): Host<null> {
  const capacityBytes = memory === undefined ? 0 : memoryBytes(memory);
  return { flavour, capacityBytes, containerBytes: capacityBytes, threads: threads ?? DEFAULT_THREADS, type: null };
}

/** Architecture of what runs on a host. */
export function architectureOf({ type }: Host, ownMachine: Architecture): Architecture {
  return type?.architecture ?? ownMachine;
}

/** Backends that a machine runs: one for each GPU that is used, one on its processor. */
export function backendsPerMachine(type: MachineType, flavour: Flavour): number {
  return flavour === "cpu" ? 1 : type.gpus;
}

function machineHost(type: MachineType, flavour: Flavour, sharers: number): Host<MachineType> {
  const containerBytes = wholeMebibytes((type.memoryMib * MIB * VISIBLE_SHARE - SYSTEM_BYTES) / sharers);
  const isGpu = flavour === "cuda" && type.gpu !== null;
  return {
    flavour,
    capacityBytes: isGpu ? wholeMebibytes((type.gpu?.memoryMib ?? 0) * MIB * GPU_VISIBLE_SHARE) : containerBytes,
    containerBytes,
    threads: Math.max(1, Math.floor(coresOf(type) / sharers)),
    type,
  };
}

/** A vCPU of x86 is half a core, and two threads on one core get in each other's way; on Graviton it is a core. */
function coresOf({ architecture, vcpus }: MachineType): number {
  return architecture === "amd64" ? Math.max(1, vcpus / 2) : vcpus;
}

function wholeMebibytes(bytes: number): number {
  return Math.max(MIB, Math.floor(bytes / MIB) * MIB);
}

/** How a host's memory is said to people. */
export function capacityText({ capacityBytes }: Host): MemorySize {
  return memorySize(capacityBytes);
}
