/**
 * The catalog of EC2 machine types: a dated table, so that a plan needs neither network nor credentials.
 * `npm run catalog:refresh` rewrites the data from AWS (`types.json`). `families.json` is edited by hand.
 */

import { UserError } from "../../config/errors.ts";
import { hardware, machineTable } from "./data.ts";
import type { MachineRow } from "./schema.ts";
import { type GpuKind, type ListPrice, type MachineType, type Processor, REGIONS, type Region } from "./types.ts";

export { type ListPrice, type MachineType, REGIONS, type Region } from "./types.ts";

/** The day of the on-demand prices in the catalog. */
export const PRICES_AS_OF: string = machineTable.pricesAsOf;

/** Spot price over on-demand price for a type without a sample: the second lowest share in the samples. */
const LEAST_SPOT_SHARE = 0.22;

const all = new Map(machineTable.types.map((row) => [row[0], machineType(row)]));

/** Every machine type. */
export function machineTypes(): MachineType[] {
  return [...all.values()];
}

/** A machine type by its name, or undefined if the catalog does not have it. */
export function findMachineType(name: string): MachineType | undefined {
  return all.get(name);
}

/** The price of a spot machine in a region, in US dollars per hour. */
export interface SpotRange {
  lowUsd: number;
  /** The on-demand price, because EC2 caps the spot price there. */
  highUsd: number;
  /** Whether the low end is a sample of this type and region. */
  sampled: boolean;
}

/** Range of the spot price; null if the region does not sell the type on demand, or if it is never sold as spot. */
export function spotRange(type: MachineType, region: Region): SpotRange | null {
  const onDemand = type.usdPerHour[region];
  if (onDemand === undefined || !type.spot) return null;
  const sample = machineTable.spotUsdPerHour[type.name]?.[region];
  return { lowUsd: sample ?? onDemand.usd * LEAST_SPOT_SHARE, highUsd: onDemand.usd, sampled: sample !== undefined };
}

/**
 * Part of its memory bandwidth that each further socket adds. Each socket reads the weights that lie at other sockets over
 * the link between them. Two sockets gave 2.4 tokens per second, and 4.3 after the weights had been placed by hand where
 * they are read (ggml-org/llama.cpp issue 11744). 2.4 is 1.1 times one socket.
 */
const FURTHER_SOCKETS_SHARE = 0.1;

/** Memory bandwidth of a machine's processor cores in bytes per second: their part of the whole machine's bandwidth. */
export function processorBytesPerSecond({ processor, vcpus }: MachineType): number {
  const near = Math.min(vcpus, processor.vcpusPerSocket);
  return processor.gigabytesPerSecondPerVcpu * (near + (vcpus - near) * FURTHER_SOCKETS_SHARE) * 1e9;
}

function machineType(row: MachineRow): MachineType {
  const [name, vcpus, memoryGib, gpus, networkBaseGbps, networkBurstGbps, diskBase, diskBurst, nvme, ...prices] = row;
  const family = name.slice(0, name.indexOf("."));
  const shared = hardware.families[name] ?? hardware.families[family];
  if (shared === undefined) {
    throw new UserError(`${name} has no family: add "${family}" to the families in plan/catalog/families.json.`);
  }
  const listed = REGIONS.flatMap((region, index) => {
    const price = listPrice(prices[index] ?? null);
    return price === null ? [] : [[region, price] as const];
  });
  return {
    name,
    family,
    vcpus,
    memoryMib: memoryGib * 1024,
    ...processorOf(shared.processor),
    gpu: shared.gpu === undefined ? null : gpuKind(shared.gpu, shared.partition ?? 1),
    gpus,
    networkBaseGbps,
    networkBurstGbps,
    diskBaseMegabytesPerSecond: diskBase,
    diskBurstMegabytesPerSecond: diskBurst,
    nvmeGigabytes: nvme,
    autoRecovery: shared.autoRecovery,
    spot: shared.spot,
    capacityBlocks: shared.capacityBlocks,
    usdPerHour: Object.fromEntries(listed),
  };
}

function processorOf(name: string): { architecture: "amd64" | "arm64"; processor: Processor } {
  const stated = hardware.processors[name];
  if (stated === undefined) throw new UserError(`Add the processor "${name}" to plan/catalog/families.json.`);
  const { architecture, vcpus, sockets, gigabytesPerSecondPerSocket, gigaflopsPerVcpu } = stated;
  const processor = {
    name,
    vcpus,
    vcpusPerSocket: vcpus / sockets,
    gigabytesPerSecondPerVcpu: (sockets * gigabytesPerSecondPerSocket) / vcpus,
    gigaflopsPerVcpu,
  };
  return { architecture, processor };
}

function gpuKind(name: string, partition: number): GpuKind {
  const whole = hardware.gpus[name];
  if (whole === undefined) throw new UserError(`Add the GPU "${name}" to plan/catalog/families.json.`);
  return {
    name: whole.name,
    memoryMib: whole.memoryMib * partition,
    partition,
    gigabytesPerSecond: whole.gigabytesPerSecond,
    teraflops: whole.teraflops,
    computeCapability: whole.computeCapability,
  };
}

function listPrice(price: MachineRow[9]): ListPrice | null {
  if (price === null) return null;
  return typeof price === "number"
    ? { usd: price, estimated: false }
    : { usd: Number(price.slice(1)), estimated: true };
}
