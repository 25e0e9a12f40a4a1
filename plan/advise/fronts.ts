/** Machines that come into question for the front of a cluster whose backends hold every layer. */

import type { ClusterConfig } from "../../config/schema/index.ts";
import type { MachineType } from "../catalog/index.ts";
import { costOf } from "../cost/bill.ts";
import { frontHost } from "../hosts/hosts.ts";
import { isPipelined } from "../placement/index.ts";
import { machinePlans } from "../resources/containers.ts";
import { frontDisk, LOAD_GOAL_SECONDS } from "../resources/disks.ts";
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
export function frontsFor(
  architecture: MachineType["architecture"],
  devices: number,
  base: ClusterConfig,
  outlook: Outlook,
): Front[] {
  const plain = outlook.types.filter(({ gpu }) => gpu === null);
  const alike = plain.filter((type) => type.architecture === architecture);
  const able = (alike.length > 0 ? alike : plain).filter((type) => holdsItsPart(type, devices, base, outlook));
  const fastest = Math.min(...able.map((type) => loadSeconds(type, base, outlook)));
  const fronts = able
    .filter((type) => loadSeconds(type, base, outlook) <= Math.max(fastest, LONGEST_LOAD_SECONDS))
    .map((type): Front => ({ type, usdPerHour: usdWithoutBackends(type, base, outlook) }))
    .sort((a, b) => a.usdPerHour - b.usdPerHour || linkRate(b.type) - linkRate(a.type));
  let best = 0;
  return fronts.filter(({ type }) => {
    const isFaster = linkRate(type) > best;
    best = Math.max(best, linkRate(type));
    return isFaster;
  });
}

/** The configuration with a machine for its front. */
export function withFront(base: ClusterConfig, { name }: MachineType): ClusterConfig {
  return { ...base, front: { ...base.front, machine: name } };
}

function holdsItsPart(type: MachineType, devices: number, base: ClusterConfig, { memory }: Outlook): boolean {
  const { capacityBytes } = frontHost(withFront(base, type));
  return memory.front(capacityBytes, 0, isPipelined(devices, 0)).totalBytes <= capacityBytes;
}

/** How long a load takes where only the front is in the way. */
function loadSeconds(type: MachineType, base: ClusterConfig, { facts }: Outlook): number {
  return estimateLoad({
    fileBytes: facts.fileBytes,
    front: type,
    diskMebibytesPerSecond: frontDisk(base, facts, type).mebibytesPerSecond,
    backends: [{ bytes: facts.fileBytes, bytesPerSecond: linkRate(type) }],
  }).seconds;
}

/** What one connection gets through the front's network. */
function linkRate(type: MachineType): number {
  return linkBetween(type, type).bytesPerSecond;
}

/** US dollars per hour of the front, its volume and all that a cluster has once. */
function usdWithoutBackends(type: MachineType, base: ClusterConfig, { facts }: Outlook): number {
  const config = withFront(base, type);
  const [front] = machinePlans({ config, facts, placement: null, cidr: "10.0.0.0/24", ownMachine: "amd64" });
  const cost = front === undefined ? null : costOf(config, facts, [front], null);
  if (cost === null) throw new Error(`${type.name} has no price in ${String(base.aws?.region)}`);
  return cost.usdPerHour.low;
}
