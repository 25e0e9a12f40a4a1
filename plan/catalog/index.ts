/**
 * The catalog of EC2 machine types: a dated table, so that a plan needs neither network nor credentials. Of the
 * rows, `npm run catalog:refresh` rewrites what AWS states; families, processors and GPU rates are kept by hand.
 */

import { GRAVITON_C } from "./graviton-c.ts";
import { GRAVITON_MR } from "./graviton-mr.ts";
import { NVIDIA_G } from "./nvidia-g.ts";
import { NVIDIA_P } from "./nvidia-p.ts";
import { SPOT_SAMPLES } from "./spot.ts";
import {
  type Family,
  type ListPrice,
  type MachineRow,
  type MachineType,
  type Price,
  REGIONS,
  type Region,
} from "./types.ts";

export { PRICES_AS_OF, PRICES_SOURCE, TYPES_AS_OF } from "./dates.ts";
export { type ListPrice, type MachineType, type QuotaClass, REGIONS, type Region } from "./types.ts";

/** Part of the on-demand price that spot machines cost where no sample is at hand: the least that was seen but for one. */
const LEAST_SPOT_SHARE = 0.22;

const all = new Map(
  [...NVIDIA_G, ...NVIDIA_P, ...GRAVITON_C, ...GRAVITON_MR]
    .flatMap((family) => family.rows.map((row) => machineType(family, row)))
    .map((type) => [type.name, type]),
);

/** Every machine type. */
export function machineTypes(): MachineType[] {
  return [...all.values()];
}

/** A machine type by its name, or undefined if the catalog does not know it. */
export function findMachineType(name: string): MachineType | undefined {
  return all.get(name);
}

/** What a spot machine costs in a region. */
export interface SpotRange {
  lowUsd: number;
  /** Never more than on demand: that is where EC2 caps it. */
  highUsd: number;
  /** Whether the low end was seen for this very type and region. */
  sampled: boolean;
}

/** Range of the spot price; null where the type is not sold on demand there, or never as spot. */
export function spotRange(type: MachineType, region: Region): SpotRange | null {
  const onDemand = type.usdPerHour[region];
  if (onDemand === undefined || !type.spot) return null;
  const sample = SPOT_SAMPLES[type.name]?.[region];
  return { lowUsd: sample ?? onDemand.usd * LEAST_SPOT_SHARE, highUsd: onDemand.usd, sampled: sample !== undefined };
}

/**
 * Part of their memory bandwidth that further sockets add. Weights lie wherever they were loaded, and every socket reads
 * those of the others over the link between them: two sockets gave 2.4 tokens per second where 4.3 were to be had with
 * weights put by hand where they are read (ggml-org/llama.cpp issue 11744), which is 1.1 times one socket.
 */
const FURTHER_SOCKETS_SHARE = 0.1;

/** Memory bandwidth that a machine's processor cores get, in bytes per second: their part of the whole machine's. */
export function processorBytesPerSecond({ processor, vcpus }: MachineType): number {
  const near = Math.min(vcpus, processor.vcpusPerSocket);
  return processor.gigabytesPerSecondPerVcpu * (near + (vcpus - near) * FURTHER_SOCKETS_SHARE) * 1e9;
}

function machineType(family: Family, row: MachineRow): MachineType {
  const [name, vcpus, memoryGib, gpus, networkBaseGbps, networkBurstGbps, diskBase, diskBurst, nvme, ...prices] = row;
  const listed = REGIONS.flatMap((region, index) => {
    const price = listPrice(prices[index] ?? null);
    return price === null ? [] : [[region, price] as const];
  });
  const { architecture, gpu, processor, quota, autoRecovery, spot, capacityBlocks } = family;
  return {
    name,
    family: name.slice(0, name.indexOf(".")),
    architecture,
    vcpus,
    memoryMib: memoryGib * 1024,
    processor,
    gpu,
    gpus,
    networkBaseGbps,
    networkBurstGbps,
    diskBaseMegabytesPerSecond: diskBase,
    diskBurstMegabytesPerSecond: diskBurst,
    nvmeGigabytes: nvme,
    quota,
    autoRecovery,
    spot,
    capacityBlocks,
    usdPerHour: Object.fromEntries(listed),
  };
}

function listPrice(price: Price): ListPrice | null {
  if (price === null) return null;
  return typeof price === "number"
    ? { usd: price, estimated: false }
    : { usd: Number(price.slice(1)), estimated: true };
}
