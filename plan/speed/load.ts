/** How long it takes until the model is loaded: the front reads the whole file and sends every backend its share. */

import { MIB } from "../../config/units.ts";
import type { MachineType } from "../catalog/index.ts";

/** gp3 volumes have so much throughput unless more is paid for (aws.amazon.com/ebs/volume-types). */
export const GP3_INCLUDED_MEBIBYTES_PER_SECOND = 125;

/** What the model passes on its way into memory. */
export type LoadBound = "disk" | "disk link" | "network";

export interface LoadEstimate {
  seconds: number;
  boundBy: LoadBound;
  because: string;
}

/** What decides the time of a load. */
export interface LoadSpec {
  fileBytes: number;
  front: MachineType;
  /** Throughput that the volume of the model file has. */
  diskMebibytesPerSecond: number;
  /** What goes to each backend, and the rate of its connection: the front fills one backend after the other. */
  backends: readonly { bytes: number; bytesPerSecond: number }[];
}

/** The slowest part of the way decides; reading and sending overlap. */
export function estimateLoad(spec: LoadSpec): LoadEstimate {
  const { fileBytes, front, diskMebibytesPerSecond, backends } = spec;
  const slowestLink = Math.min(...backends.map(({ bytesPerSecond }) => bytesPerSecond));
  // EBS gives the burst rate for 30 minutes a day at least, and to the biggest sizes always.
  const ways: { boundBy: LoadBound; seconds: number; because: string }[] = [
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
      because: `the front fills one backend after the other, and the slowest connection carries ${Math.round(slowestLink / 1e6)} MB/s when it is used for long`,
    },
  ];
  const slowest = ways.reduce((most, way) => (way.seconds > most.seconds ? way : most));
  return {
    seconds: slowest.seconds,
    boundBy: slowest.boundBy,
    because: `Loading takes about ${Math.round(slowest.seconds)} s, because ${slowest.because}.`,
  };
}
