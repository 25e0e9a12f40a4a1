/** How long loading the model takes: the front reads the whole file and sends each backend its share. */

import { MIB } from "../../config/units.ts";
import type { MachineType } from "../catalog/index.ts";

/** Throughput of a gp3 volume that its price includes (aws.amazon.com/ebs/volume-types). */
export const GP3_INCLUDED_MEBIBYTES_PER_SECOND = 125;

/** A part of the path from the volume into memory; each may be the slowest. */
export type LoadBound = "disk" | "disk link" | "network";

export interface LoadEstimate {
  seconds: number;
  /** The slowest part of the path. */
  boundBy: LoadBound;
  /** One sentence with the seconds and the reason. */
  because: string;
}

/** The facts that decide how long a load takes. */
export interface LoadSpec {
  fileBytes: number;
  front: MachineType;
  /** Throughput of the volume with the model file. */
  diskMebibytesPerSecond: number;
  /** Bytes for each backend and the rate of its connection. The front fills one backend after the other. */
  backends: readonly { bytes: number; bytesPerSecond: number }[];
}

/** Estimates the time of a load. Reading and sending overlap, so the slowest part of the path decides. */
export function estimateLoad(spec: LoadSpec): LoadEstimate {
  const { fileBytes, front, diskMebibytesPerSecond, backends } = spec;
  const slowestLink = Math.min(...backends.map(({ bytesPerSecond }) => bytesPerSecond));
  // EBS grants the burst rate for at least 30 minutes a day, and all the time to the biggest sizes.
  const stages: { boundBy: LoadBound; seconds: number; because: string }[] = [
    {
      boundBy: "disk",
      seconds: fileBytes / (diskMebibytesPerSecond * MIB),
      because: `the volume of the model gives ${diskMebibytesPerSecond} MiB/s`,
    },
    {
      boundBy: "disk link",
      seconds: fileBytes / (front.diskBurstMegabytesPerSecond * 1e6),
      because: `${front.name} reads at most ${front.diskBurstMegabytesPerSecond} MB/s from its volumes`,
    },
    {
      boundBy: "network",
      seconds: backends.reduce((sum, { bytes, bytesPerSecond }) => sum + bytes / bytesPerSecond, 0),
      because: `the front fills one backend after the other, and the slowest connection sustains ${Math.round(slowestLink / 1e6)} MB/s`,
    },
  ];
  const slowest = stages.reduce((most, stage) => (stage.seconds > most.seconds ? stage : most));
  return {
    seconds: slowest.seconds,
    boundBy: slowest.boundBy,
    because: `Loading takes about ${Math.round(slowest.seconds)} s, because ${slowest.because}.`,
  };
}
