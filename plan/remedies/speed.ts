/** Speeds that remedies compare: of proposed machines, and of the front's machine without a cluster. */

import type { Flavour } from "../../config/words.ts";
import type { AwsCluster } from "../hosts/cluster.ts";
import { memoryModel } from "../memory/devices.ts";
import type { ModelFacts } from "../model/facts.ts";
import { performanceOf, speedOf, speedOfDevices } from "../performance.ts";
import { isPipelined, type Placement, place } from "../placement/index.ts";
import type { SpeedEstimate } from "../speed/estimate.ts";
import { CALL_SECONDS, deviceSpeed } from "../speed/rates.ts";
import { hasDriver, type Proposal } from "./candidates.ts";
import { withFrontTypeAlone } from "./change.ts";
import { couldHold } from "./feasible.ts";

/** Whether the backends hold every layer, and everything fits. */
export function holdsEverything(placement: Placement | null): placement is Placement {
  return placement !== null && placement.frontLayers === 0 && placement.fits;
}

/** Speed with equally many layers on each device. If all devices are equal, the split does not matter. */
export function evenSpeed(cluster: AwsCluster, facts: ModelFacts): SpeedEstimate {
  return speedOf(cluster, facts, { frontLayers: 0, counts: evenCounts(facts.layers, cluster.backends.length) });
}

/** Whether a cluster of equal machines holds the model and is fast enough. The quick estimates come first. */
export function isEvenClusterAs(
  facts: ModelFacts,
  isFastEnough: (speed: SpeedEstimate, cluster: AwsCluster) => boolean,
): (proposal: Proposal) => boolean {
  return ({ cluster }) => {
    if (!couldHold(cluster, facts, "all") || !isFastEnough(evenSpeed(cluster, facts), cluster)) return false;
    const placement = place(cluster, facts);
    const placed = holdsEverything(placement) ? performanceOf(cluster, facts, placement) : null;
    return placed !== null && isFastEnough(placed.speed, cluster);
  };
}

/** The part of a token's time that is spent on messages between front and backends. */
export function tripShare({ decode }: SpeedEstimate, { backends }: AwsCluster): number {
  return (decode.parts.network + CALL_SECONDS * backends.length) / decode.secondsPerToken;
}

/** Tokens per second of the front's machine without backends, on its GPUs or its processor; null if the model does not fit. */
export function speedOfFrontAlone(cluster: AwsCluster, facts: ModelFacts): number | null {
  const speeds = (["cpu", "cuda"] as const).flatMap((flavour) => speedAlone(cluster, facts, flavour) ?? []);
  return speeds.length === 0 ? null : Math.max(...speeds);
}

function speedAlone(cluster: AwsCluster, facts: ModelFacts, flavour: Flavour): number | null {
  const { type } = cluster.front;
  if (flavour === "cuda" && (type.gpu === null || !hasDriver(type))) return null;
  const alone = withFrontTypeAlone(cluster, flavour);
  if (!couldHold(alone, facts, "all") || !leavesRoomForServer(alone, facts, flavour)) return null;
  const devices = alone.backends.length;
  let first = 0;
  const loaded = evenCounts(facts.layers, devices).map((count, device) => {
    const run = { first, count, holdsOutput: device === devices - 1 };
    first += count;
    return { speed: deviceSpeed(type, null, flavour), run };
  });
  return speedOfDevices(alone.settings, facts, loaded, isPipelined(devices, 0)).decode.tokensPerSecond;
}

/** On a processor, the server and the layers share the machine's memory. */
function leavesRoomForServer({ front, settings }: AwsCluster, facts: ModelFacts, flavour: Flavour): boolean {
  const { capacityBytes } = front;
  const memory = memoryModel(facts, settings);
  const server = memory.front(capacityBytes, 0, false).totalBytes;
  const whole = { first: 0, count: facts.layers, holdsOutput: true };
  const layers = flavour === "cuda" ? 0 : memory.backend(flavour, capacityBytes, whole, false).totalBytes;
  return server + layers <= capacityBytes;
}

function evenCounts(layers: number, devices: number): number[] {
  const upTo = (device: number) => Math.floor((device * layers) / devices);
  return Array.from({ length: devices }, (_, device) => upTo(device + 1) - upTo(device));
}
