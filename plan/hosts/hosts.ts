/**
 * What a configuration's front and backends run on. With target docker the stack file says it; with target aws it names
 * machines, and the catalog says the rest. All that asks for a device's memory, cores or speed asks here.
 */

import { ConfigError, closest, type Problem } from "../../config/problems.ts";
import type { ClusterConfig, PoolConfig } from "../../config/schema/index.ts";
import { GIB, type MemorySize, MIB, memoryBytes, memorySize } from "../../config/units.ts";
import type { Architecture, Flavour } from "../../config/words.ts";
import { findMachineType, type MachineType, machineTypes } from "../catalog/index.ts";

/** What one process, a front or a backend, has to work with. */
export interface Host {
  flavour: Flavour;
  /** Memory for the model, its program included: of the container, or of the GPU. */
  capacityBytes: number;
  /** cgroup limit of the container. */
  containerBytes: number;
  threads: number;
  /** The machine from the catalog; null on the user's own. */
  type: MachineType | null;
}

/** One backend of a pool, in the order of the devices. */
export interface Slot extends Host {
  pool: PoolConfig;
  poolIndex: number;
  /** Number within the pool. */
  index: number;
  /** Number of its machine among the backends' machines. */
  machineNumber: number;
  /** Number of its machine within the pool. */
  poolMachine: number;
  /** Number of its GPU within its machine, which is what its port counts; 0 on a CPU. */
  gpu: number;
}

const DEFAULT_FRONT_MEMORY: MemorySize = "2 GiB";
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

/** Every backend of every pool, in the order of the devices. */
export function slotsOf(config: ClusterConfig): Slot[] {
  let machines = 0;
  return config.backends.flatMap((pool, poolIndex) => {
    const host = poolHost(pool);
    const perMachine = backendsPerMachine(host.type, host.flavour);
    return Array.from({ length: pool.count }, () => machines++).flatMap((machineNumber, order) =>
      Array.from(
        { length: perMachine },
        (_, gpu): Slot => ({
          ...host,
          pool,
          poolIndex,
          index: order * perMachine + gpu,
          machineNumber,
          poolMachine: order,
          gpu,
        }),
      ),
    );
  });
}

/** What each backend of a pool runs on. */
export function poolHost(pool: PoolConfig): Host {
  const type = typeOf(pool.machine);
  const hasGpu = type !== null && type.gpu !== null;
  const flavour = pool.flavour ?? (hasGpu ? "cuda" : "cpu");
  return type === null ? ownHost(pool, flavour) : machineHost(type, flavour, backendsPerMachine(type, flavour));
}

/** What the front runs on. Its own GPUs compute no layers: layers that stay on the front are its processor's. */
export function frontHost({ front }: ClusterConfig): Host {
  const type = typeOf(front.machine);
  if (type !== null) return { ...machineHost(type, "cpu", 1), flavour: front.flavour };
  return ownHost({ ...front, memory: front.memory ?? DEFAULT_FRONT_MEMORY }, front.flavour);
}

/** Architecture of what runs on a host. */
export function architectureOf({ type }: Host, ownMachine: Architecture): Architecture {
  return type?.architecture ?? ownMachine;
}

/** Backends that a machine runs: one for each GPU that is used, one on its processor. */
export function backendsPerMachine(type: MachineType | null, flavour: Flavour): number {
  return type === null || flavour === "cpu" ? 1 : type.gpus;
}

/** Everything about a configuration's machines that the catalog does not agree with. */
export function machineProblems(config: ClusterConfig): Problem[] {
  const named = [
    { path: "front", machine: config.front.machine, flavour: config.front.flavour },
    ...config.backends.map(({ machine, flavour }, index) => ({ path: `backends[${index}]`, machine, flavour })),
  ];
  const problems = named.flatMap(({ path, machine, flavour }): Problem[] => {
    if (machine === undefined) return [];
    const type = findMachineType(machine);
    if (type === undefined) return [unknownType(`${path}.machine`, machine)];
    if (flavour !== "cuda" || type.gpu !== null) return [];
    const rule = `must be "cpu", as a ${machine} has no GPU`;
    return [{ path: `${path}.flavour`, value: flavour, rule, remedy: `Remove it, or choose another ${path}.machine.` }];
  });
  return problems.length > 0 ? problems : splitProblems(config);
}

/** @throws {ConfigError} with everything about its machines that the catalog does not agree with */
export function assertMachines(config: ClusterConfig): void {
  const problems = machineProblems(config);
  if (problems.length > 0) throw new ConfigError(problems);
}

function unknownType(path: string, machine: string): Problem {
  const meant = closest(
    machine,
    machineTypes().map(({ name }) => name),
  );
  return {
    path,
    value: machine,
    rule: "must be an EC2 type of the catalog, which has NVIDIA and Graviton machines",
    remedy: meant === null ? "`npm run advise` proposes machines for a model." : `Did you mean ${meant}?`,
  };
}

function splitProblems(config: ClusterConfig): Problem[] {
  const slots = slotsOf(config);
  return config.backends.flatMap(({ layers }, poolIndex) => {
    const count = slots.filter((slot) => slot.poolIndex === poolIndex).length;
    if (layers === undefined || layers.length === count) return [];
    const path = `backends[${poolIndex}].layers`;
    const rule = `must have ${count} ${count === 1 ? "number" : "numbers"}, one for each backend of the pool`;
    const remedy = `Write a list of ${count}; a machine with several GPUs runs a backend for each.`;
    return [{ path, value: layers, rule, remedy }];
  });
}

function typeOf(machine: string | undefined): MachineType | null {
  return machine === undefined ? null : (findMachineType(machine) ?? null);
}

/** Where the stack file says what there is. */
function ownHost(
  { memory, threads }: { memory?: MemorySize | undefined; threads?: number | undefined },
  flavour: Flavour,
): Host {
  const capacityBytes = memory === undefined ? 0 : memoryBytes(memory);
  return { flavour, capacityBytes, containerBytes: capacityBytes, threads: threads ?? DEFAULT_THREADS, type: null };
}

function machineHost(type: MachineType, flavour: Flavour, sharers: number): Host {
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
