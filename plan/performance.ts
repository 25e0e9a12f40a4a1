/** How fast a placed model answers and how long it takes to load, where the machines are the catalog's. */

import type { ClusterConfig } from "../config/schema/index.ts";
import { frontHost, slotsOf } from "./hosts/hosts.ts";
import { runSettings } from "./memory/settings.ts";
import type { ModelFacts } from "./model/facts.ts";
import { isPipelined, type Placement } from "./placement/index.ts";
import { frontDisk } from "./resources/disks.ts";
import { estimateSpeed, type LoadedDevice, type SpeedEstimate } from "./speed/estimate.ts";
import { estimateLoad, type LoadEstimate } from "./speed/load.ts";
import { workOf } from "./speed/model.ts";
import { deviceSpeed, linkBetween } from "./speed/rates.ts";

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
  const speed = placement === null ? null : speedOf(config, facts, placement);
  if (front === null || placement === null || speed === null) return null;
  const backends = slotsOf(config).flatMap(({ type }, device) => {
    const bytes = placement.backends[device]?.weightsBytes ?? 0;
    return type === null ? [] : [{ bytes, bytesPerSecond: linkBetween(front, type).bytesPerSecond }];
  });
  return {
    speed,
    load: estimateLoad({
      fileBytes: facts.fileBytes,
      front,
      diskMebibytesPerSecond: frontDisk(config, facts, front).mebibytesPerSecond,
      backends,
    }),
  };
}

/** How fast a cluster answers that has so many layers on each device, whether they fit or not. */
export function speedOf(
  config: ClusterConfig,
  facts: ModelFacts,
  placement: Pick<Placement, "frontLayers" | "counts">,
): SpeedEstimate | null {
  const devices = devicesOf(config, placement);
  return devices === null
    ? null
    : speedOfDevices(config, facts, devices, isPipelined(placement.counts.length, placement.frontLayers));
}

/** How fast devices answer together. */
export function speedOfDevices(
  config: ClusterConfig,
  facts: ModelFacts,
  devices: readonly LoadedDevice[],
  pipelined: boolean,
): SpeedEstimate {
  return estimateSpeed(workOf(config, facts), devices, runSettings(config), pipelined);
}

/** The front's own device, if it computes layers, and the backends. */
function devicesOf(
  config: ClusterConfig,
  { frontLayers, counts }: Pick<Placement, "frontLayers" | "counts">,
): LoadedDevice[] | null {
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
