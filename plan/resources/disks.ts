/** Size and throughput of the volumes of a cluster's machines. */

import { GIB, MIB } from "../../config/units.ts";
import type { MachineType } from "../catalog/index.ts";
import type { Front } from "../hosts/cluster.ts";
import type { ModelFacts } from "../model/facts.ts";
import { GP3_INCLUDED_MEBIBYTES_PER_SECOND } from "../speed/load.ts";
import type { DiskPlan } from "./plans.ts";

/** A load within this time needs no faster disk. */
export const LOAD_GOAL_SECONDS = 180;
/** The highest throughput that the planner chooses. Every gp3 volume supports it (aws.amazon.com/ebs/volume-types). */
const MOST_MEBIBYTES_PER_SECOND = 1000;
/** The most MiB/s of a gp3 volume for each operation per second (EBS user guide, "General Purpose SSD volumes"). */
const MEBIBYTES_PER_OPERATION = 0.25;
const GP3_INCLUDED_OPERATIONS = 3000;

/** GiB for the system and images: AL2023 on CPU machines, the deep learning image with drivers on machines with GPUs. */
const systemGibibytes = ({ gpu }: MachineType) => (gpu === null ? 30 : 120);

/** The front's volume: the system and the model file. */
export function frontDisk(
  { type, diskMebibytesPerSecond }: Pick<Front<MachineType>, "type" | "diskMebibytesPerSecond">,
  facts: ModelFacts,
): DiskPlan {
  return disk(
    systemGibibytes(type) + gibibytesOf(facts.fileBytes),
    diskMebibytesPerSecond ?? throughputFor(facts.fileBytes, type),
  );
}

/**
 * The volume of a backend's machine: the system and the cache of the weights that it receives.
 * @param cacheBytes the most weights that it can receive, see {@link mostWeightsBytes}; 0 if the cache is elsewhere
 */
export function backendDisk(type: MachineType, cacheBytes: number): DiskPlan {
  return disk(systemGibibytes(type) + gibibytesOf(cacheBytes), GP3_INCLUDED_MEBIBYTES_PER_SECOND);
}

/**
 * The most bytes of weights that a machine's backends can get with any split. A volume for this size does not change when
 * a backend is added or removed.
 */
export function mostWeightsBytes(capacityBytes: number, { fileBytes }: ModelFacts): number {
  return Math.min(capacityBytes, fileBytes);
}

/** The lowest throughput in MiB/s that loads the bytes within {@link LOAD_GOAL_SECONDS}, or the machine's highest. */
export function throughputFor(bytes: number, type: MachineType): number {
  const wanted = Math.ceil(bytes / MIB / LOAD_GOAL_SECONDS / 25) * 25;
  const most = Math.min(MOST_MEBIBYTES_PER_SECOND, Math.floor((type.diskBurstMegabytesPerSecond * 1e6) / MIB));
  return Math.max(GP3_INCLUDED_MEBIBYTES_PER_SECOND, Math.min(wanted, most));
}

function disk(gibibytes: number, mebibytesPerSecond: number): DiskPlan {
  const operationsPerSecond = Math.max(
    GP3_INCLUDED_OPERATIONS,
    Math.ceil(mebibytesPerSecond / MEBIBYTES_PER_OPERATION),
  );
  return { gibibytes, mebibytesPerSecond, operationsPerSecond };
}

/** GiB for these bytes, with a tenth more for the file system. */
function gibibytesOf(bytes: number): number {
  return Math.ceil((bytes * 1.1) / GIB);
}
