/** Machines for the front of a cluster whose backends hold every layer. */

import type { MachineType } from "../catalog/index.ts";
import { costOf } from "../cost/bill.ts";
import type { AwsCluster } from "../hosts/cluster.ts";
import { resolveOnAws } from "../hosts/resolve.ts";
import { isPipelined } from "../placement/index.ts";
import { withFront } from "../remedies/change.ts";
import { frontDisk, LOAD_GOAL_SECONDS } from "../resources/disks.ts";
import { frontOrder } from "../resources/machines.ts";
import { estimateLoad } from "../speed/load.ts";
import { linkBetween } from "../speed/rates.ts";
import type { SearchContext } from "./context.ts";

/** A front, and the cost of a cluster with it without the backends. */
export interface Front {
  type: MachineType;
  usdPerHour: number;
}

/**
 * Seconds of a load. A slower front is left out if there are faster ones, because all machines cost money while the model
 * loads, and a slow link also slows down prompts. The number is an assumption about what users accept.
 */
const LONGEST_LOAD_SECONDS = 2 * LOAD_GOAL_SECONDS;

/**
 * The fronts to consider for a pool, the cheapest first; each has a faster link than the one before. They have the pool's
 * architecture if the region sells such machines without GPUs, so that the images are built for one architecture only.
 * @param architecture that of the pool
 * @param devices number of backends in the pool
 */
export function frontsFor(architecture: MachineType["architecture"], devices: number, context: SearchContext): Front[] {
  const plain = context.types.filter(({ gpu }) => gpu === null);
  const alike = plain.filter((type) => type.architecture === architecture);
  const able = (alike.length > 0 ? alike : plain)
    .map((type) => resolveOnAws(withFront(context.base, type.name).config))
    .filter((cluster) => holdsItsPart(cluster, devices, context));
  const fastest = Math.min(...able.map((cluster) => loadSeconds(cluster, context)));
  const fronts = able
    .filter((cluster) => loadSeconds(cluster, context) <= Math.max(fastest, LONGEST_LOAD_SECONDS))
    .map((cluster): Front => ({ type: cluster.front.type, usdPerHour: usdWithoutBackends(cluster, context) }))
    .sort((a, b) => a.usdPerHour - b.usdPerHour || linkRate(b.type) - linkRate(a.type));
  let best = 0;
  return fronts.filter(({ type }) => {
    const isFaster = linkRate(type) > best;
    best = Math.max(best, linkRate(type));
    return isFaster;
  });
}

function holdsItsPart({ front: { capacityBytes } }: AwsCluster, devices: number, { memory }: SearchContext): boolean {
  return memory.front(capacityBytes, 0, isPipelined(devices, 0)).totalBytes <= capacityBytes;
}

/** Seconds of a load that is limited only by the front. */
function loadSeconds({ front }: AwsCluster, { facts }: SearchContext): number {
  return estimateLoad({
    fileBytes: facts.fileBytes,
    front: front.type,
    diskMebibytesPerSecond: frontDisk(front, facts).mebibytesPerSecond,
    backends: [{ bytes: facts.fileBytes, bytesPerSecond: linkRate(front.type) }],
  }).seconds;
}

/** Bytes per second of one connection through the front's network. */
function linkRate(type: MachineType): number {
  return linkBetween(type, type).bytesPerSecond;
}

/** US dollars per hour of everything except the backends: the front, its volume, endpoints and so on. */
function usdWithoutBackends(cluster: AwsCluster, { facts }: SearchContext): number {
  const cost = costOf(cluster, facts, [frontOrder(cluster, facts)], null);
  if (cost === null) throw new Error(`${cluster.front.type.name} has no price in ${cluster.region}`);
  return cost.usdPerHour.low;
}
