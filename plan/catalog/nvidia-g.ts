/**
 * NVIDIA machines of the G classes. Where the rows are from: `dates.ts`. Of the fractional types (g6f, gr6f) AWS states the
 * part of the GPU's memory; they need NVIDIA's GRID driver.
 *
 * Bandwidth and dense F16 rate of the GPUs, read 2026-11 in quotations of NVIDIA's product pages (where NVIDIA states a rate
 * with sparsity, the half): T4, L4, L40S, RTX PRO 4500 and 6000 Blackwell Server Edition; that of the last is NVIDIA's
 * rounded "1 PFLOPS". A10G is made for AWS alone and has no page: bandwidth and rate as comparisons state them
 * (baseten.co/blog/nvidia-a10-vs-a10g-for-ml-model-inference). Of T4g nothing was found: T4's are taken, which has the same
 * compute capability and memory. Compute capabilities: developer.nvidia.com/cuda-gpus.
 */

import { CASCADE_LAKE, EMERALD_RAPIDS, EPYC_MILAN, EPYC_ROME, GRAVITON2 } from "./processors.ts";
import type { Family } from "./types.ts";

const g4dn: Family = {
  architecture: "amd64",
  gpu: { name: "T4", memoryMib: 16384, partition: 1, gigabytesPerSecond: 320, teraflops: 65, computeCapability: 7.5 },
  processor: CASCADE_LAKE,
  quota: "g",
  autoRecovery: false,
  spot: true,
  capacityBlocks: false,
  rows: [
    ["g4dn.xlarge", 4, 16, 1, 5, 25, 118.75, 437.5, 125, 0.526, "~0.526", "~0.6578", "~0.5872"],
    ["g4dn.2xlarge", 8, 32, 1, 10, 25, 143.75, 437.5, 225, 0.752, "~0.752", "~0.9404", "~0.8395"],
    ["g4dn.4xlarge", 16, 64, 1, 20, 25, 593.75, 593.75, 225, 1.204, "~1.204", "~1.5056", "~1.344"],
    ["g4dn.8xlarge", 32, 128, 1, 50, 50, 1187.5, 1187.5, 900, 2.176, "~2.176", "~2.7211", "~2.4291"],
    ["g4dn.12xlarge", 48, 192, 4, 50, 50, 1187.5, 1187.5, 900, 3.912, "~3.912", "~4.892", "~4.367"],
    ["g4dn.16xlarge", 64, 256, 1, 50, 50, 1187.5, 1187.5, 900, 4.352, "~4.352", "~5.4422", "~4.8581"],
    ["g4dn.metal", 96, 384, 8, 100, 100, 2375, 2375, 1800, 7.824, "~7.824", "~9.7839", "~8.7339"],
  ],
};

const g5: Family = {
  architecture: "amd64",
  gpu: { name: "A10G", memoryMib: 22888, partition: 1, gigabytesPerSecond: 600, teraflops: 70, computeCapability: 8.6 },
  processor: EPYC_ROME,
  quota: "g",
  autoRecovery: false,
  spot: true,
  capacityBlocks: false,
  rows: [
    ["g5.xlarge", 4, 16, 1, 2.5, 10, 87.5, 437.5, 250, 1.006, "~1.006", "~1.258", "~1.123"],
    ["g5.2xlarge", 8, 32, 1, 5, 10, 106.25, 437.5, 450, 1.212, "~1.212", "~1.5156", "~1.353"],
    ["g5.4xlarge", 16, 64, 1, 10, 25, 593.75, 593.75, 600, 1.624, "~1.624", "~2.0308", "~1.8129"],
    ["g5.8xlarge", 32, 128, 1, 25, 25, 2000, 2000, 900, 2.448, "~2.448", "~3.0612", "~2.7327"],
    ["g5.12xlarge", 48, 192, 4, 40, 40, 2000, 2000, 3800, 5.672, "~5.672", "~7.0928", "~6.3317"],
    ["g5.16xlarge", 64, 256, 1, 25, 25, 2000, 2000, 1900, 4.096, "~4.096", 5.12204, 4.57237],
    ["g5.24xlarge", 96, 384, 4, 50, 50, 2375, 2375, 3800, 8.144, "~8.144", 10.18405, 9.09117],
    ["g5.48xlarge", 192, 768, 8, 100, 100, 2375, 2375, 7600, 16.288, "~16.288", "~20.3681", "~18.1823"],
  ],
};

const g5g: Family = {
  architecture: "arm64",
  gpu: { name: "T4g", memoryMib: 16384, partition: 1, gigabytesPerSecond: 320, teraflops: 65, computeCapability: 7.5 },
  processor: GRAVITON2,
  quota: "g",
  autoRecovery: true,
  spot: true,
  capacityBlocks: false,
  rows: [
    ["g5g.xlarge", 4, 8, 1, 1.25, 10, 148.5, 593.75, 0, 0.42, "~0.42", "~0.5252", null],
    ["g5g.2xlarge", 8, 16, 1, 2.5, 10, 296.875, 593.75, 0, 0.556, "~0.556", "~0.6953", null],
    ["g5g.4xlarge", 16, 32, 1, 5, 10, 593.75, 593.75, 0, 0.828, "~0.828", "~1.0354", null],
    ["g5g.8xlarge", 32, 64, 1, 12, 12, 1187.5, 1187.5, 0, 1.372, "~1.372", "~1.7157", null],
    ["g5g.16xlarge", 64, 128, 2, 25, 25, 2375, 2375, 0, 2.744, "~2.744", "~3.4314", null],
  ],
};

const g5gMetal: Family = {
  architecture: "arm64",
  gpu: { name: "T4g", memoryMib: 16384, partition: 1, gigabytesPerSecond: 320, teraflops: 65, computeCapability: 7.5 },
  processor: GRAVITON2,
  quota: "g",
  autoRecovery: false,
  spot: true,
  capacityBlocks: false,
  rows: [["g5g.metal", 64, 128, 2, 25, 25, 2375, 2375, 0, 2.744, "~2.744", "~3.4314", null]],
};

const g6: Family = {
  architecture: "amd64",
  gpu: { name: "L4", memoryMib: 22888, partition: 1, gigabytesPerSecond: 300, teraflops: 121, computeCapability: 8.9 },
  processor: EPYC_MILAN,
  quota: "g",
  autoRecovery: false,
  spot: true,
  capacityBlocks: false,
  rows: [
    ["g6.xlarge", 4, 16, 1, 2.5, 10, 125, 625, 250, 0.8048, "~0.8048", "~1.0064", null],
    ["g6.2xlarge", 8, 32, 1, 5, 10, 250, 625, 450, 0.9776, "~0.9776", 1.22249, null],
    ["g6.4xlarge", 16, 64, 1, 10, 25, 1000, 1000, 600, 1.3232, "~1.3232", "~1.6547", null],
    ["g6.8xlarge", 32, 128, 1, 25, 25, 2000, 2000, 900, 2.0144, "~2.0144", "~2.519", null],
    ["g6.12xlarge", 48, 192, 4, 40, 40, 2500, 2500, 3760, 4.6016, "~4.6016", "~5.7543", null],
    ["g6.16xlarge", 64, 256, 1, 25, 25, 2500, 2500, 1880, 3.3968, "~3.3968", "~4.2477", null],
    ["g6.24xlarge", 96, 384, 4, 50, 50, 3750, 3750, 3760, 6.6752, "~6.6752", 8.34732, null],
    ["g6.48xlarge", 192, 768, 8, 100, 100, 7500, 7500, 7520, 13.3504, "~13.3504", "~16.6947", null],
  ],
};

const gr6: Family = {
  architecture: "amd64",
  gpu: { name: "L4", memoryMib: 22888, partition: 1, gigabytesPerSecond: 300, teraflops: 121, computeCapability: 8.9 },
  processor: EPYC_MILAN,
  quota: "g",
  autoRecovery: false,
  spot: true,
  capacityBlocks: false,
  rows: [
    ["gr6.4xlarge", 16, 128, 1, 10, 25, 1000, 1000, 600, 1.5392, "~1.5392", "~1.9248", null],
    ["gr6.8xlarge", 32, 256, 1, 25, 25, 2000, 2000, 900, 2.4464, "~2.4464", "~3.0592", null],
  ],
};

const g6fEighth: Family = {
  architecture: "amd64",
  gpu: {
    name: "L4",
    memoryMib: 2861,
    partition: 0.125,
    gigabytesPerSecond: 300,
    teraflops: 121,
    computeCapability: 8.9,
  },
  processor: EPYC_MILAN,
  quota: "g",
  autoRecovery: false,
  spot: true,
  capacityBlocks: false,
  rows: [
    ["g6f.large", 2, 8, 1, 1.5, 10, 117, 625, 100, 0.202, "~0.202", "~0.2526", null],
    ["g6f.xlarge", 4, 16, 1, 2.5, 10, 125, 625, 100, 0.2375, "~0.2375", "~0.297", null],
  ],
};

const g6fQuarter: Family = {
  architecture: "amd64",
  gpu: {
    name: "L4",
    memoryMib: 5722,
    partition: 0.25,
    gigabytesPerSecond: 300,
    teraflops: 121,
    computeCapability: 8.9,
  },
  processor: EPYC_MILAN,
  quota: "g",
  autoRecovery: false,
  spot: true,
  capacityBlocks: false,
  rows: [["g6f.2xlarge", 8, 32, 1, 5, 10, 250, 625, 200, 0.475, "~0.475", "~0.594", null]],
};

const g6fHalf: Family = {
  architecture: "amd64",
  gpu: {
    name: "L4",
    memoryMib: 11444,
    partition: 0.5,
    gigabytesPerSecond: 300,
    teraflops: 121,
    computeCapability: 8.9,
  },
  processor: EPYC_MILAN,
  quota: "g",
  autoRecovery: false,
  spot: true,
  capacityBlocks: false,
  rows: [["g6f.4xlarge", 16, 64, 1, 10, 25, 750, 750, 450, 0.95, "~0.95", "~1.188", null]],
};

const gr6f: Family = {
  architecture: "amd64",
  gpu: {
    name: "L4",
    memoryMib: 11444,
    partition: 0.5,
    gigabytesPerSecond: 300,
    teraflops: 121,
    computeCapability: 8.9,
  },
  processor: EPYC_MILAN,
  quota: "g",
  autoRecovery: false,
  spot: true,
  capacityBlocks: false,
  rows: [["gr6f.4xlarge", 16, 128, 1, 10, 25, 1000, 1000, 450, 1.066, "~1.066", "~1.333", null]],
};

const g6e: Family = {
  architecture: "amd64",
  gpu: {
    name: "L40S",
    memoryMib: 45776,
    partition: 1,
    gigabytesPerSecond: 864,
    teraflops: 362,
    computeCapability: 8.9,
  },
  processor: EPYC_MILAN,
  quota: "g",
  autoRecovery: false,
  spot: true,
  capacityBlocks: false,
  rows: [
    ["g6e.xlarge", 4, 32, 1, 2.5, 20, 125, 625, 250, 1.861, "~1.861", "~2.327", null],
    ["g6e.2xlarge", 8, 64, 1, 5, 20, 250, 625, 450, 2.24208, "~2.24208", "~2.8035", null],
    ["g6e.4xlarge", 16, 128, 1, 20, 20, 1000, 1000, 600, 3.00424, "~3.00424", 3.75651, null],
    ["g6e.8xlarge", 32, 256, 1, 25, 25, 2000, 2000, 900, 4.52856, "~4.52856", "~5.6625", null],
    ["g6e.12xlarge", 48, 384, 4, 100, 100, 2500, 2500, 3800, 10.49264, "~10.49264", "~13.12", null],
    ["g6e.16xlarge", 64, 512, 1, 35, 35, 2500, 2500, 1900, 7.57719, "~7.57719", "~9.4745", null],
    ["g6e.24xlarge", 96, 768, 4, 200, 200, 3750, 3750, 3800, 15.06559, "~15.06559", "~18.838", null],
    ["g6e.48xlarge", 192, 1536, 8, 400, 400, 7500, 7500, 7600, 30.13118, "~30.13118", 37.67612, null],
  ],
};

const g7: Family = {
  architecture: "amd64",
  gpu: {
    name: "RTX PRO 4500",
    memoryMib: 32768,
    partition: 1,
    gigabytesPerSecond: 800,
    teraflops: 203,
    computeCapability: 12,
  },
  processor: EMERALD_RAPIDS,
  quota: "g",
  autoRecovery: false,
  spot: true,
  capacityBlocks: false,
  rows: [
    ["g7.2xlarge", 8, 32, 1, 40, 60, 500, 1000, 440, 2.52, "~2.52", null, null],
    ["g7.4xlarge", 16, 64, 1, 80, 100, 1000, 1000, 875, 3.04208, "~3.04208", null, null],
    ["g7.8xlarge", 32, 128, 1, 100, 100, 2000, 2000, 930, 4.08624, "~4.08624", null, null],
    ["g7.12xlarge", 48, 192, 2, 175, 175, 2500, 2500, 1900, 7.12832, "~7.12832", null, null],
    ["g7.24xlarge", 96, 384, 4, 350, 350, 5000, 5000, 3800, 14.25664, "~14.25664", null, null],
    ["g7.48xlarge", 192, 768, 8, 700, 700, 10000, 10000, 7600, 28.51328, "~28.51328", null, null],
  ],
};

const g7e: Family = {
  architecture: "amd64",
  gpu: {
    name: "RTX PRO Server 6000",
    memoryMib: 98304,
    partition: 1,
    gigabytesPerSecond: 1597,
    teraflops: 500,
    computeCapability: 12,
  },
  processor: EMERALD_RAPIDS,
  quota: "g",
  autoRecovery: false,
  spot: true,
  capacityBlocks: false,
  rows: [
    ["g7e.2xlarge", 8, 64, 1, 50, 50, 250, 625, 1900, 3.36312, "~3.36312", "~4.2056", null],
    ["g7e.4xlarge", 16, 128, 1, 50, 50, 1000, 1000, 1900, 3.99816, "~3.99816", "~4.9997", null],
    ["g7e.8xlarge", 32, 256, 1, 100, 100, 2000, 2000, 1900, 5.26824, "~5.26824", "~6.5879", null],
    ["g7e.12xlarge", 48, 512, 2, 400, 400, 3125, 3125, 3800, 8.28608, "~8.28608", "~10.3617", null],
    ["g7e.24xlarge", 96, 1024, 4, 800, 800, 6250, 6250, 7600, 16.57216, "~16.57216", "~20.7235", null],
    ["g7e.48xlarge", 192, 2048, 8, 1600, 1600, 12500, 12500, 15200, 33.14432, "~33.14432", "~41.447", null],
  ],
};

/** Every family of this file. */
export const NVIDIA_G: readonly Family[] = [
  g4dn,
  g5,
  g5g,
  g5gMetal,
  g6,
  gr6,
  g6fEighth,
  g6fQuarter,
  g6fHalf,
  gr6f,
  g6e,
  g7,
  g7e,
];
