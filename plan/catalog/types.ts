/** Words of the catalog: what the rest of the program knows of a machine type. */

import { REGIONS, type Region } from "../../config/regions.ts";

export { REGIONS, type Region };

/** One kind of GPU. */
export interface GpuKind {
  name: string;
  /** Memory of one GPU (or of the fraction that a type gets) as EC2 reports it. */
  memoryMib: number;
  /** Part of the GPU that the type gets. */
  partition: number;
  /** Memory bandwidth of the whole GPU. */
  gigabytesPerSecond: number;
  /** Dense F16 tensor operations of the whole GPU. */
  teraflops: number;
  /** CUDA compute capability. */
  computeCapability: number;
}

/** What a processor gives to one vCPU: a part of a machine gets about its part of the bandwidth. */
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
  /** Whether EC2 moves a machine off broken hardware by itself. */
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
