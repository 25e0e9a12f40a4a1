/** Speeds that remedies go by: of machines that are thought of, and of the front's machine without a cluster. */

import type { ClusterConfig, PoolConfig } from "../../config/schema/index.ts";
import type { Flavour } from "../../config/words.ts";
import { frontHost, poolHost, slotsOf } from "../hosts/hosts.ts";
import { memoryModel } from "../memory/devices.ts";
import { runSettings } from "../memory/settings.ts";
import type { ModelFacts } from "../model/facts.ts";
import { performanceOf, speedOf, speedOfDevices } from "../performance.ts";
import { isPipelined, type Placement, place } from "../placement/index.ts";
import type { SpeedEstimate } from "../speed/estimate.ts";
import { CALL_SECONDS, deviceSpeed } from "../speed/rates.ts";
import { hasDriver, type Proposal } from "./candidates.ts";
import { couldHold } from "./feasible.ts";

/** Whether the backends hold every layer, and everything fits. */
export function holdsEverything(placement: Placement | null): placement is Placement {
  return placement !== null && placement.frontLayers === 0 && placement.fits;
}

/** Speed with as many layers on each device: where all devices are the same, it does not matter which. */
export function evenSpeed(config: ClusterConfig, facts: ModelFacts): SpeedEstimate | null {
  return speedOf(config, facts, { frontLayers: 0, counts: evenCounts(facts.layers, slotsOf(config).length) });
}

/** Whether a cluster of equal machines holds the model and is as fast as is asked; the quick answers first. */
export function isEvenClusterAs(
  facts: ModelFacts,
  isFastEnough: (speed: SpeedEstimate, config: ClusterConfig) => boolean,
): (proposal: Proposal) => boolean {
  return ({ config }) => {
    if (!couldHold(config, facts, "all")) return false;
    const even = evenSpeed(config, facts);
    if (even === null || !isFastEnough(even, config)) return false;
    const placement = place(config, facts);
    const placed = holdsEverything(placement) ? performanceOf(config, facts, placement) : null;
    return placed !== null && isFastEnough(placed.speed, config);
  };
}

/** Part of a token's time that goes to messages between front and backends. */
export function tripShare({ decode }: SpeedEstimate, config: ClusterConfig): number {
  return (decode.parts.network + CALL_SECONDS * slotsOf(config).length) / decode.secondsPerToken;
}

/** Tokens per second of the front's machine without backends, on its GPUs or its processor; null if it can't hold the model. */
export function speedOfFrontAlone(config: ClusterConfig, facts: ModelFacts): number | null {
  const { machine } = config.front;
  if (machine === undefined) return null;
  const speeds = (["cpu", "cuda"] as const).flatMap((flavour) => {
    const alone: PoolConfig = { name: "alone", machine, flavour, count: 1 };
    return speedAlone({ ...config, backends: [alone] }, facts, alone, flavour) ?? [];
  });
  return speeds.length === 0 ? null : Math.max(...speeds);
}

function speedAlone(config: ClusterConfig, facts: ModelFacts, pool: PoolConfig, flavour: Flavour): number | null {
  const { type } = poolHost(pool);
  if (type === null || (flavour === "cuda" && (type.gpu === null || !hasDriver(type)))) return null;
  if (!couldHold(config, facts, "all") || !leavesRoomForServer(config, facts, flavour)) return null;
  const devices = slotsOf(config).length;
  let first = 0;
  const loaded = evenCounts(facts.layers, devices).map((count, device) => {
    const run = { first, count, holdsOutput: device === devices - 1 };
    first += count;
    return { speed: deviceSpeed(type, null, flavour), run };
  });
  return speedOfDevices(config, facts, loaded, isPipelined(devices, 0)).decode.tokensPerSecond;
}

/** On a processor, the server and the layers share the machine's memory. */
function leavesRoomForServer(config: ClusterConfig, facts: ModelFacts, flavour: Flavour): boolean {
  const { capacityBytes } = frontHost(config);
  const memory = memoryModel(facts, runSettings(config));
  const server = memory.front(capacityBytes, 0, false).totalBytes;
  const whole = { first: 0, count: facts.layers, holdsOutput: true };
  const layers = flavour === "cuda" ? 0 : memory.backend(flavour, capacityBytes, whole, false).totalBytes;
  return server + layers <= capacityBytes;
}

function evenCounts(layers: number, devices: number): number[] {
  const upTo = (device: number) => Math.floor((device * layers) / devices);
  return Array.from({ length: devices }, (_, device) => upTo(device + 1) - upTo(device));
}
