/** Machines that come into question for the front of a cluster whose backends hold every layer. */

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
import type { Outlook } from "./outlook.ts";

/** A front, and what a cluster with it costs before its backends are counted. */
export interface Front {
  type: MachineType;
  usdPerHour: number;
}

/**
 * A front through which a load takes longer is left out where others are faster: while a cluster loads, all of its machines
 * are paid for, and a link that is slow to load slows down prompts too. An assumption about what people put up with.
 */
const LONGEST_LOAD_SECONDS = 2 * LOAD_GOAL_SECONDS;

/**
 * The fronts that are worth a look for a pool of so many devices of an architecture, the cheapest first, each with a
 * faster link than the one before. Of the pool's architecture where such machines without GPUs are sold, so that images
 * are needed for one only.
 */
export function frontsFor(architecture: MachineType["architecture"], devices: number, outlook: Outlook): Front[] {
  const plain = outlook.types.filter(({ gpu }) => gpu === null);
  const alike = plain.filter((type) => type.architecture === architecture);
  const able = (alike.length > 0 ? alike : plain)
    .map((type) => resolveOnAws(withFront(outlook.base, type.name).config))
    .filter((cluster) => holdsItsPart(cluster, devices, outlook));
  const fastest = Math.min(...able.map((cluster) => loadSeconds(cluster, outlook)));
  const fronts = able
    .filter((cluster) => loadSeconds(cluster, outlook) <= Math.max(fastest, LONGEST_LOAD_SECONDS))
    .map((cluster): Front => ({ type: cluster.front.type, usdPerHour: usdWithoutBackends(cluster, outlook) }))
    .sort((a, b) => a.usdPerHour - b.usdPerHour || linkRate(b.type) - linkRate(a.type));
  let best = 0;
  return fronts.filter(({ type }) => {
    const isFaster = linkRate(type) > best;
    best = Math.max(best, linkRate(type));
    return isFaster;
  });
}

function holdsItsPart({ front: { capacityBytes } }: AwsCluster, devices: number, { memory }: Outlook): boolean {
  return memory.front(capacityBytes, 0, isPipelined(devices, 0)).totalBytes <= capacityBytes;
}

/** How long a load takes where only the front is in the way. */
function loadSeconds({ front }: AwsCluster, { facts }: Outlook): number {
  return estimateLoad({
    fileBytes: facts.fileBytes,
    front: front.type,
    diskMebibytesPerSecond: frontDisk(front, facts).mebibytesPerSecond,
    backends: [{ bytes: facts.fileBytes, bytesPerSecond: linkRate(front.type) }],
  }).seconds;
}

/** What one connection gets through the front's network. */
function linkRate(type: MachineType): number {
  return linkBetween(type, type).bytesPerSecond;
}

/** US dollars per hour of the front, its volume and all that a cluster has once. */
function usdWithoutBackends(cluster: AwsCluster, { facts }: Outlook): number {
  const cost = costOf(cluster, facts, [frontOrder(cluster, facts)], null);
  if (cost === null) throw new Error(`${cluster.front.type.name} has no price in ${cluster.region}`);
  return cost.usdPerHour.low;
}
