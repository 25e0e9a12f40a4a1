/** The speed of a placed model and the time of its load, on machines of the catalog. */

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

/** The estimated speed and load time of a cluster. */
export interface Performance {
  speed: SpeedEstimate;
  load: LoadEstimate;
}

/** Null with target docker, because the speed of the user's machine is unknown, and if no layer is placed. */
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

/** Speed of a cluster with this placement, whether it fits or not. */
export function speedOf(
  cluster: AwsCluster,
  facts: ModelFacts,
  placement: Pick<Placement, "frontLayers" | "counts">,
): SpeedEstimate {
  const pipelined = isPipelined(placement.counts.length, placement.frontLayers);
  return speedOfDevices(cluster.settings, facts, devicesOf(cluster, placement), pipelined);
}

/** Speed of devices that work together. */
export function speedOfDevices(
  settings: RunSettings,
  facts: ModelFacts,
  devices: readonly LoadedDevice[],
  pipelined: boolean,
): SpeedEstimate {
  return estimateSpeed(workOf(settings, facts), devices, settings, pipelined);
}

/** The devices that compute layers: the front's own, if it has layers, and those of the backends. */
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
