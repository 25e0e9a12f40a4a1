/**
 * The resources of a front or a backend: the single source for a device's memory, cores and speed. With target docker they
 * come from the stack file; with target aws from the machine's type.
 */

import { GIB, type MemorySize, MIB, memoryBytes, memorySize } from "../../config/units.ts";
import type { Architecture, Flavour } from "../../config/words.ts";
import type { MachineType } from "../catalog/index.ts";

/** The resources of one process: a front or a backend. */
export interface Host<Type extends MachineType | null = MachineType | null> {
  flavour: Flavour;
  /** Memory for the model and the program: that of the container, or of the GPU. */
  capacityBytes: number;
  /** cgroup memory limit of the container. */
  containerBytes: number;
  threads: number;
  /** The machine type from the catalog; null with target docker. */
  type: Type;
}

const DEFAULT_THREADS = 2;

/** Memory that stays free on each machine for kernel, Docker and SSM agent. An assumption; AL2023 idles at a third. */
const SYSTEM_BYTES = 1 * GIB;
/** Part of a machine's memory that Linux can use; firmware, page tables and the kernel's image take the rest. */
const VISIBLE_SHARE = 0.97;
/**
 * Part of a GPU's memory, as EC2 reports it, that programs can use. ECC takes a sixteenth of a T4 (EC2 reports 16 384 MiB,
 * nvidia-smi shows 15 360). Other GPUs lose less, and the driver takes some hundred MiB.
 */
const GPU_VISIBLE_SHARE = 0.93;

/** The host of each backend on a machine of this type. A machine with GPUs lends them unless the flavour is `cpu`. */
export function backendHost(
  type: MachineType,
  flavour: Flavour = type.gpu === null ? "cpu" : "cuda",
): Host<MachineType> {
  return machineHost(type, flavour, backendsPerMachine(type, flavour));
}

/** The front's host on a machine of this type. Its GPUs compute no layers: the processor computes those on the front. */
export function frontHost(type: MachineType, flavour: Flavour): Host<MachineType> {
  return { ...machineHost(type, "cpu", 1), flavour };
}

/** The host of a container on the user's own machine. */
export function ownHost(
  { memory, threads }: { memory?: MemorySize | undefined; threads?: number | undefined },
  flavour: Flavour,
): Host<null> {
  const capacityBytes = memory === undefined ? 0 : memoryBytes(memory);
  return { flavour, capacityBytes, containerBytes: capacityBytes, threads: threads ?? DEFAULT_THREADS, type: null };
}

/** Architecture of a host. */
export function architectureOf({ type }: Host, ownMachine: Architecture): Architecture {
  return type?.architecture ?? ownMachine;
}

/** Number of backends on a machine: one for each of its GPUs, or one on its processor. */
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

/** Number of cores. A vCPU is half a core on x86, where two threads on one core slow each other down; on Graviton a core. */
function coresOf({ architecture, vcpus }: MachineType): number {
  return architecture === "amd64" ? Math.max(1, vcpus / 2) : vcpus;
}

function wholeMebibytes(bytes: number): number {
  return Math.max(MIB, Math.floor(bytes / MIB) * MIB);
}

/** Formats a host's memory for messages. */
export function capacityText({ capacityBytes }: Host): MemorySize {
  return memorySize(capacityBytes);
}
