/**
 * Processors of the catalog's machines. Bandwidth: memory channels × transfer rate × 8 bytes of the whole machine over its
 * vCPUs. Channels and rates are the vendors' for the processor that AWS names; AWS states no bandwidth of a part of a machine.
 * Operations: what ggml's kernels for raw quantized weights get out of one vCPU at prompt processing. A guess from the
 * vector units (256 bit: 40, 128 bit × 4 with i8mm: 35), of which one figure has been published: 33 on Graviton4.
 */

import type { Processor } from "./types.ts";

const processor = (
  name: string,
  vcpus: number,
  gigabytesPerSecond: number,
  gigaflopsPerVcpu: number,
  sockets = 1,
): Processor => ({
  name,
  vcpus,
  vcpusPerSocket: vcpus / sockets,
  gigabytesPerSecondPerVcpu: gigabytesPerSecond / vcpus,
  gigaflopsPerVcpu,
});

/** Two sockets of 6 channels of DDR4-2666 (p3dn). */
export const SKYLAKE = processor("Xeon Skylake", 96, 2 * 128, 20, 2);
/** Two sockets of 6 channels of DDR4-2933 (g4dn, p4d). */
export const CASCADE_LAKE = processor("Xeon Cascade Lake", 96, 2 * 140.8, 20, 2);
/** Two sockets of 8 channels of DDR5-4800 (p5e, p5en). */
export const SAPPHIRE_RAPIDS = processor("Xeon Sapphire Rapids", 192, 2 * 307.2, 25, 2);
/** Two sockets of 8 channels of DDR5-5600 (g7e, p6); assumed for p6-b300, and for g7, which has Xeon 6 of unstated memory. */
export const EMERALD_RAPIDS = processor("Xeon Emerald Rapids", 192, 2 * 358.4, 25, 2);
/** Two sockets of 8 channels of DDR4-3200 (g5). */
export const EPYC_ROME = processor("EPYC Rome", 192, 2 * 204.8, 20, 2);
/** Two sockets of 8 channels of DDR4-3200 (g6, g6e, p5). */
export const EPYC_MILAN = processor("EPYC Milan", 192, 2 * 204.8, 20, 2);
/** 8 channels of DDR4-3200 (g5g). */
export const GRAVITON2 = processor("Graviton2", 64, 204.8, 15);
/** 8 channels of DDR5-4800. */
export const GRAVITON3 = processor("Graviton3", 64, 307.2, 30);
/** 12 channels of DDR5-5600 for the 96 vCPUs of a socket; the biggest sizes have two sockets. */
export const GRAVITON4 = processor("Graviton4", 96, 537.6, 33);
/** AWS publishes DDR5-8800 and 192 vCPUs, not the channels: 12 are assumed, as on Graviton4. */
export const GRAVITON5 = processor("Graviton5", 192, 844.8, 33);
