/**
 * NVIDIA machines of the P classes. Where the rows are from: `dates.ts`. p5e is sold in capacity blocks only.
 *
 * Bandwidth and dense F16 rate of the GPUs (SXM), read 2026-11 in quotations of NVIDIA's product pages (where NVIDIA states a
 * rate with sparsity, the half): A100, H100, H200, and of HGX B200 and HGX B300 an eighth of the whole. B200's bandwidth is
 * what its driver reports (7680 bits at 3996 MHz, github.com/pytorch/ao/pull/4002), less than NVIDIA's round 8 TB/s, which
 * stands for B300. V100: as tables of third parties state it, NVIDIA's own page was not found.
 */

import { CASCADE_LAKE, EMERALD_RAPIDS, EPYC_MILAN, SAPPHIRE_RAPIDS, SKYLAKE } from "./processors.ts";
import type { Family } from "./types.ts";

const p3dn: Family = {
  architecture: "amd64",
  gpu: { name: "V100", memoryMib: 32768, partition: 1, gigabytesPerSecond: 900, teraflops: 125, computeCapability: 7 },
  processor: SKYLAKE,
  quota: "p",
  autoRecovery: false,
  spot: true,
  capacityBlocks: false,
  rows: [["p3dn.24xlarge", 96, 768, 8, 100, 100, 2375, 2375, 1800, 31.212, "~31.212", null, "~34.6453"]],
};

const p4d: Family = {
  architecture: "amd64",
  gpu: { name: "A100", memoryMib: 40960, partition: 1, gigabytesPerSecond: 1555, teraflops: 312, computeCapability: 8 },
  processor: CASCADE_LAKE,
  quota: "p",
  autoRecovery: false,
  spot: true,
  capacityBlocks: true,
  rows: [["p4d.24xlarge", 96, 1152, 8, 400, 400, 2375, 2375, 8000, 21.957642, "~21.957642", "~27.4471", "~24.373"]],
};

const p4de: Family = {
  architecture: "amd64",
  gpu: { name: "A100", memoryMib: 81920, partition: 1, gigabytesPerSecond: 2039, teraflops: 312, computeCapability: 8 },
  processor: CASCADE_LAKE,
  quota: "p",
  autoRecovery: false,
  spot: true,
  capacityBlocks: true,
  rows: [["p4de.24xlarge", 96, 1152, 8, 400, 400, 2375, 2375, 8000, 27.44705, "~27.44705", 34.29122, null]],
};

const p5: Family = {
  architecture: "amd64",
  gpu: { name: "H100", memoryMib: 81920, partition: 1, gigabytesPerSecond: 3350, teraflops: 989, computeCapability: 9 },
  processor: EPYC_MILAN,
  quota: "p",
  autoRecovery: false,
  spot: true,
  capacityBlocks: true,
  rows: [
    ["p5.4xlarge", 16, 256, 1, 100, 100, 1250, 1250, 3800, 6.88, "~6.88", null, null],
    ["p5.48xlarge", 192, 2048, 8, 3200, 3200, 10000, 10000, 30400, 55.04, "~55.04", null, null],
  ],
};

const p5e: Family = {
  architecture: "amd64",
  gpu: {
    name: "H200",
    memoryMib: 144384,
    partition: 1,
    gigabytesPerSecond: 4800,
    teraflops: 989,
    computeCapability: 9,
  },
  processor: SAPPHIRE_RAPIDS,
  quota: "p",
  autoRecovery: false,
  spot: true,
  capacityBlocks: true,
  rows: [["p5e.48xlarge", 192, 2048, 8, 3200, 3200, 10000, 10000, 30400, null, null, null, null]],
};

const p5en: Family = {
  architecture: "amd64",
  gpu: {
    name: "H200",
    memoryMib: 144384,
    partition: 1,
    gigabytesPerSecond: 4800,
    teraflops: 989,
    computeCapability: 9,
  },
  processor: SAPPHIRE_RAPIDS,
  quota: "p",
  autoRecovery: false,
  spot: true,
  capacityBlocks: true,
  rows: [["p5en.48xlarge", 192, 2048, 8, 3200, 3200, 12500, 12500, 30400, 63.296, "~63.296", null, null]],
};

const p6b200: Family = {
  architecture: "amd64",
  gpu: {
    name: "B200",
    memoryMib: 183359,
    partition: 1,
    gigabytesPerSecond: 7672,
    teraflops: 2250,
    computeCapability: 10,
  },
  processor: EMERALD_RAPIDS,
  quota: "p",
  autoRecovery: false,
  spot: true,
  capacityBlocks: true,
  rows: [["p6-b200.48xlarge", 192, 2048, 8, 3200, 3200, 12500, 12500, 30400, 113.9328, "~113.9328", null, null]],
};

const p6b300: Family = {
  architecture: "amd64",
  gpu: {
    name: "B300",
    memoryMib: 275040,
    partition: 1,
    gigabytesPerSecond: 8000,
    teraflops: 2250,
    computeCapability: 10.3,
  },
  processor: EMERALD_RAPIDS,
  quota: "p",
  autoRecovery: false,
  spot: true,
  capacityBlocks: true,
  rows: [["p6-b300.48xlarge", 192, 4096, 8, 6400, 6400, 12500, 12500, 30400, 142.416, "~142.416", null, null]],
};

/** Every family of this file. */
export const NVIDIA_P: readonly Family[] = [p3dn, p4d, p4de, p5, p5e, p5en, p6b200, p6b300];
