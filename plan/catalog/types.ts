/** Words of the catalog. A catalog file holds one row for each machine type, the columns in the order of the tuples here. */

import { REGIONS, type Region } from "../../config/regions.ts";

export { REGIONS, type Region };

/** US dollars per hour as read from a price list; `"~1.25"` is an estimate; null: not sold there on demand. */
export type Price = number | `~${number}` | null;

/** EC2 counts vCPUs against one quota for each class. */
export type QuotaClass = "standard" | "g" | "p" | "x" | "hpc";

/** One row of a family: every number as AWS states it. */
export type MachineRow = [
  name: string,
  vcpus: number,
  memoryGib: number,
  gpus: number,
  networkBaseGbps: number,
  networkBurstGbps: number,
  diskBaseMegabytesPerSecond: number,
  diskBurstMegabytesPerSecond: number,
  nvmeGigabytes: number,
  usEast1: Price,
  usWest2: Price,
  euCentral1: Price,
  euWest1: Price,
];

/** One kind of GPU. */
export interface GpuKind {
  name: string;
  /** Memory of one GPU (or of the fraction that a type gets) as EC2 reports it. */
  memoryMib: number;
  /** Part of the GPU that the type gets. */
  partition: number;
  /** Memory bandwidth of the whole GPU; the source is named where the family is. */
  gigabytesPerSecond: number;
  /** Dense F16 tensor operations of the whole GPU; the source is named where the family is. */
  teraflops: number;
  /** CUDA compute capability. */
  computeCapability: number;
}

/** What all rows of a family share. */
export interface Family {
  architecture: "amd64" | "arm64";
  gpu: GpuKind | null;
  /** Processor, and its memory bandwidth divided by its vCPUs: a part of a machine gets about its part of the bandwidth. */
  processor: Processor;
  quota: QuotaClass;
  /** Whether EC2 moves a machine off broken hardware by itself. */
  autoRecovery: boolean;
  spot: boolean;
  capacityBlocks: boolean;
  rows: readonly MachineRow[];
}

/** What a processor gives to one vCPU. */
export interface Processor {
  name: string;
  /** Memory channels × rate × 8 bytes over the vCPUs of the machine. */
  gigabytesPerSecondPerVcpu: number;
  /** Matrix products of raw (not repacked) quantized weights over RPC, see `plan/speed/rates.ts`. */
  gigaflopsPerVcpu: number;
  /** vCPUs of the whole machine that the bandwidth is shared among. */
  vcpus: number;
  vcpusPerSocket: number;
}

/** A machine type, ready for use. */
export interface MachineType {
  name: string;
  family: string;
  architecture: "amd64" | "arm64";
  vcpus: number;
  memoryMib: number;
  processor: Processor;
  gpu: GpuKind | null;
  gpus: number;
  networkBaseGbps: number;
  networkBurstGbps: number;
  diskBaseMegabytesPerSecond: number;
  diskBurstMegabytesPerSecond: number;
  nvmeGigabytes: number;
  quota: QuotaClass;
  autoRecovery: boolean;
  spot: boolean;
  capacityBlocks: boolean;
  /** On-demand price by region; a region that is missing does not sell it on demand. */
  usdPerHour: Partial<Record<Region, ListPrice>>;
}

/** A price and how good it is. */
export interface ListPrice {
  usd: number;
  /** Whether it was derived from another region's price instead of read. */
  estimated: boolean;
}
