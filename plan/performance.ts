/** How fast a placed model answers and how long it takes to load, where the machines are the catalog's. */

import type { ClusterConfig } from "../config/schema.ts";
import { frontDisk } from "./disks.ts";
import { frontHost, slotsOf } from "./machines.ts";
import { memoryModel } from "./memory/devices.ts";
import { runSettings } from "./memory/settings.ts";
import type { ModelFacts } from "./model/facts.ts";
import { isPipelined, type Placement } from "./placement.ts";
import { estimateSpeed, type LoadedDevice, type SpeedEstimate } from "./speed/estimate.ts";
import { estimateLoad, type LoadEstimate } from "./speed/load.ts";
import { deviceSpeed, linkBetween } from "./speed/rates.ts";
import { workModel } from "./speed/work.ts";

/** Part of a slot's context that an answer looks back on, on average: answers are given all along a conversation. */
export const FILLED_SHARE = 0.5;

/** What a cluster will do. */
export interface Performance {
  speed: SpeedEstimate;
  load: LoadEstimate;
}

/** Null where a machine is not of the catalog, or nothing is placed: there is nothing to reckon with. */
export function performanceOf(
  config: ClusterConfig,
  facts: ModelFacts,
  placement: Placement | null,
): Performance | null {
  const front = frontHost(config).type;
  const devices = placement === null ? null : devicesOf(config, placement);
  if (front === null || placement === null || devices === null) return null;
  const settings = runSettings(config);
  const work = workModel(facts, settings, memoryModel(facts, settings), FILLED_SHARE);
  const pipelined = isPipelined(placement.counts.length, placement.frontLayers);
  const links = devices.flatMap(({ speed }) => (speed.link === null ? [] : [speed.link.bytesPerSecond]));
  return {
    speed: estimateSpeed(work, devices, settings, pipelined),
    load: estimateLoad({
      fileBytes: facts.fileBytes,
      remoteBytes: placement.backends.reduce((sum, { weightsBytes }) => sum + weightsBytes, 0),
      front,
      diskMebibytesPerSecond: frontDisk(config, facts, front).mebibytesPerSecond,
      linkBytesPerSecond: Math.min(...links),
    }),
  };
}

/** The front's own device, if it computes layers, and the backends. */
function devicesOf(config: ClusterConfig, { frontLayers, counts }: Placement): LoadedDevice[] | null {
  const front = frontHost(config);
  const slots = slotsOf(config);
  if (front.type === null) return null;
  const devices: LoadedDevice[] = [];
  if (frontLayers > 0) {
    const run = { first: 0, count: frontLayers, holdsOutput: false };
    devices.push({ speed: deviceSpeed(front.type, null, "cpu"), run });
  }
  let first = frontLayers;
  for (const [device, { type, flavour }] of slots.entries()) {
    if (type === null) return null;
    const count = counts[device] ?? 0;
    const run = { first, count, holdsOutput: device === slots.length - 1 };
    devices.push({ speed: deviceSpeed(type, linkBetween(front.type, type), flavour), run });
    first += count;
  }
  return devices;
}
