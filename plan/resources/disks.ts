/** The volumes of a cluster's machines: how big, and how fast. */

import { GIB, MIB } from "../../config/units.ts";
import type { MachineType } from "../catalog/index.ts";
import type { Front } from "../hosts/cluster.ts";
import type { ModelFacts } from "../model/facts.ts";
import { GP3_INCLUDED_MEBIBYTES_PER_SECOND } from "../speed/load.ts";
import type { DiskPlan } from "./plans.ts";

/** A load that takes no longer than this needs no faster disk. */
export const LOAD_GOAL_SECONDS = 180;
/** What the planner chooses at most: what every gp3 volume can be given (aws.amazon.com/ebs/volume-types). */
const MOST_MEBIBYTES_PER_SECOND = 1000;
/** gp3 gives so many MiB/s for each operation per second at most (EBS user guide, "General Purpose SSD volumes"). */
const MEBIBYTES_PER_OPERATION = 0.25;
const GP3_INCLUDED_OPERATIONS = 3000;

/** System and images: AL2023 on CPU machines, the deep learning image with its drivers on those with GPUs. */
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
 * A backend machine's volume: the system and the cache of the weights that are sent to it.
 * @param cacheBytes the most that can be sent, see {@link mostWeightsBytes}; 0 where the cache is elsewhere
 */
export function backendDisk(type: MachineType, cacheBytes: number): DiskPlan {
  return disk(systemGibibytes(type) + gibibytesOf(cacheBytes), GP3_INCLUDED_MEBIBYTES_PER_SECOND);
}

/**
 * The most weights that a machine's backends can get, however the layers are split: a volume of that size stays as it is
 * when another backend comes or goes.
 */
export function mostWeightsBytes(capacityBytes: number, { fileBytes }: ModelFacts): number {
  return Math.min(capacityBytes, fileBytes);
}

/** The least throughput that loads so many bytes in good time, as far as the machine can take it. */
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

/** A tenth more than the bytes: file systems keep room for themselves. */
function gibibytesOf(bytes: number): number {
  return Math.ceil((bytes * 1.1) / GIB);
}
