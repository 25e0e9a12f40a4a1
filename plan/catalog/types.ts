/** The types of the catalog that the rest of the program uses. */

import { REGIONS, type Region } from "../../config/regions.ts";

export { REGIONS, type Region };

/** One kind of GPU. */
export interface GpuKind {
  name: string;
  /** Memory of one GPU (or of the fraction that a type gets) as EC2 reports it. */
  memoryMib: number;
  /** Part of the GPU that the type gets, from 0 to 1. */
  partition: number;
  /** Memory bandwidth of the whole GPU. */
  gigabytesPerSecond: number;
  /** Dense F16 tensor operations of the whole GPU. */
  teraflops: number;
  /** CUDA compute capability. */
  computeCapability: number;
}

/** A processor's speed per vCPU. A part of a machine gets about that part of the bandwidth. */
export interface Processor {
  name: string;
  /** Memory channels × rate × 8 bytes over the vCPUs of the machine. */
  gigabytesPerSecondPerVcpu: number;
  /** Rate of matrix products with raw (not repacked) quantized weights over RPC, see `plan/speed/rates.ts`. */
  gigaflopsPerVcpu: number;
  /** Number of vCPUs of the whole machine, which share its bandwidth. */
  vcpus: number;
  vcpusPerSocket: number;
}

/** A machine type of the catalog, with the data of its family. */
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
  /** Whether EC2 moves a machine off broken hardware without an alarm. */
  autoRecovery: boolean;
  spot: boolean;
  capacityBlocks: boolean;
  /** On-demand price by region. A region without a price does not sell the type on demand. */
  usdPerHour: Partial<Record<Region, ListPrice>>;
}

/** A price in US dollars per hour. */
export interface ListPrice {
  usd: number;
  /** Whether it was derived from the price of another region. */
  estimated: boolean;
}
