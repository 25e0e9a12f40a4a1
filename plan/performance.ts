/** How fast a placed model answers and how long it takes to load, where the machines are the catalog's. */

import { at } from "../config/collections.ts";
import type { AwsCluster, Cluster } from "./hosts/cluster.ts";
import type { RunSettings } from "./memory/settings.ts";
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

/** Null on the user's own machine, whose speed is not known, and where nothing is placed. */
export function performanceOf(cluster: Cluster, facts: ModelFacts, placement: Placement | null): Performance | null {
  if (cluster.target === "docker" || placement === null) return null;
  const { front, backends } = cluster;
  return {
    speed: speedOf(cluster, facts, placement),
    load: estimateLoad({
      fileBytes: facts.fileBytes,
      front: front.type,
      diskMebibytesPerSecond: frontDisk(front, facts).mebibytesPerSecond,
      backends: backends.map(({ type }, device) => ({
        bytes: at(placement.backends, device).weightsBytes,
        bytesPerSecond: linkBetween(front.type, type).bytesPerSecond,
      })),
    }),
  };
}

/** How fast a cluster answers that has so many layers on each device, whether they fit or not. */
export function speedOf(
  cluster: AwsCluster,
  facts: ModelFacts,
  placement: Pick<Placement, "frontLayers" | "counts">,
): SpeedEstimate {
  const pipelined = isPipelined(placement.counts.length, placement.frontLayers);
  return speedOfDevices(cluster.settings, facts, devicesOf(cluster, placement), pipelined);
}

/** How fast devices answer together. */
export function speedOfDevices(
  settings: RunSettings,
  facts: ModelFacts,
  devices: readonly LoadedDevice[],
  pipelined: boolean,
): SpeedEstimate {
  return estimateSpeed(workOf(settings, facts), devices, settings, pipelined);
}

/** The front's own device, if it computes layers, and the backends. */
function devicesOf(
  { front, backends }: AwsCluster,
  { frontLayers, counts }: Pick<Placement, "frontLayers" | "counts">,
): LoadedDevice[] {
  const devices: LoadedDevice[] = [];
  if (frontLayers > 0) {
    const run = { first: 0, count: frontLayers, holdsOutput: false };
    devices.push({ speed: deviceSpeed(front.type, null, "cpu"), run });
  }
  let first = frontLayers;
  for (const [device, { type, flavour }] of backends.entries()) {
    const count = at(counts, device);
    const run = { first, count, holdsOutput: device === backends.length - 1 };
    devices.push({ speed: deviceSpeed(type, linkBetween(front.type, type), flavour), run });
    first += count;
  }
  return devices;
}
