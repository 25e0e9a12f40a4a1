/** Possible changes of machines on EC2, each with its price: the steps of every search on target aws. */

import { memoize } from "../../config/collections.ts";
import type { Region } from "../../config/regions.ts";
import type { Flavour } from "../../config/words.ts";
import { type MachineType, machineTypes } from "../catalog/index.ts";
import { priceOf } from "../cost/prices.ts";
import type { AwsCluster, Cluster, MachinePool } from "../hosts/cluster.ts";
import { resolveOnAws } from "../hosts/resolve.ts";
import { type ConfigChange, type Edit, withFront, withOnePool, withPoolValues } from "./change.ts";
import type { Remedy, RemedyCosts } from "./remedy.ts";

/** A type that a region sells, with its price there on demand. */
export interface PricedType {
  type: MachineType;
  usdPerHour: number;
}

/** A change, the cluster after it, and what its machines cost. */
export interface Proposal {
  change: ConfigChange;
  cluster: AwsCluster;
  /** US dollars per hour of all machines together, on demand. */
  usdPerHour: number;
  /** Whether the cluster needs no image of an architecture that it did not need before. */
  keepsArchitecture: boolean;
}

/** What a machine is used for. */
export type Use = Flavour | "front";

/** Turing: the runtime images and the drivers of Amazon's machine image support no older GPU. */
const LEAST_COMPUTE_CAPABILITY = 7.5;

/** Whether Amazon's machine image has a driver for the GPUs of a type: it has none for parts of a GPU or for old GPUs. */
export function hasDriver({ gpu }: MachineType): boolean {
  return gpu === null || (gpu.partition === 1 && (gpu.computeCapability ?? Infinity) >= LEAST_COMPUTE_CAPABILITY);
}

const typesFor = memoize(
  ({ region, use }: { region: Region; use: Use }): readonly PricedType[] =>
    machineTypes()
      .filter((type) => hasDriver(type) && (use === "front" || (use === "cuda") === (type.gpu !== null)))
      .flatMap((type) => {
        const price = priceOf(type, region, "on-demand");
        return price === null ? [] : [{ type, usdPerHour: price.high }];
      })
      .sort((a, b) => a.usdPerHour - b.usdPerHour),
  ({ region, use }) => `${region} ${use}`,
);

/** The types that a region sells on demand for a use, the cheapest first. */
export function typesByPrice(region: Region, use: Use): readonly PricedType[] {
  return typesFor({ region, use });
}

/** US dollars per hour of all machines on demand. Machines without a price in the region count as 0. */
export function machinesUsd({ region, front, pools }: AwsCluster): number {
  const usd = (type: MachineType) => usdOf(region, type) ?? 0;
  return pools.reduce((sum, { host, count }) => sum + count * usd(host.type), usd(front.type));
}

/** One pool on each other type of its flavour. */
export function otherMachines(cluster: AwsCluster, pool: MachinePool): Proposal[] {
  return otherTypesFor(cluster, pool).map(({ type }) =>
    proposal(withPoolValues(cluster, pool.index, { machine: type.name }), type, pool.host.type),
  );
}

/** One pool with other counts. */
export function otherCounts(cluster: AwsCluster, pool: MachinePool, counts: readonly number[]): Proposal[] {
  return counts.map((count) => proposal(withPoolValues(cluster, pool.index, { count })));
}

/** One pool on each other type, with other counts. */
export function otherMachinesAndCounts(cluster: AwsCluster, pool: MachinePool, counts: readonly number[]): Proposal[] {
  return otherTypesFor(cluster, pool).flatMap(({ type }) =>
    counts.map((count) =>
      proposal(withPoolValues(cluster, pool.index, { machine: type.name, count }), type, pool.host.type),
    ),
  );
}

/** The front on each other type. */
export function otherFronts(cluster: AwsCluster): Proposal[] {
  const present = cluster.front.type;
  return typesByPrice(cluster.region, "front")
    .filter(({ type }) => type.name !== present.name)
    .map(({ type }) => proposal(withFront(cluster, type.name), type, present));
}

/** One pool in place of all: each type of the flavours `uses`, with each of the counts. */
export function onePool(cluster: AwsCluster, uses: readonly Flavour[], counts: readonly number[]): Proposal[] {
  const [first] = cluster.pools;
  if (first === undefined) return [];
  return uses
    .flatMap((use) => typesByPrice(cluster.region, use))
    .filter(({ type }) => type.spot || first.market !== "spot")
    .flatMap(({ type }) =>
      counts.map((count) => proposal(withOnePool(cluster, type.name, count), type, first.host.type)),
    );
}

/** `cuda` if any pool has GPUs: a processor is no substitute for them. */
export function flavourOf({ pools }: Cluster): Flavour {
  return pools.some(({ host }) => host.flavour === "cuda") ? "cuda" : "cpu";
}

/** The cheapest proposal that helps. One that needs images of another architecture is taken only if no other helps. */
export function cheapestThat(proposals: readonly Proposal[], helps: (proposal: Proposal) => boolean): Proposal | null {
  const order = proposals.toSorted(
    (a, b) => Number(b.keepsArchitecture) - Number(a.keepsArchitecture) || a.usdPerHour - b.usdPerHour,
  );
  return order.find(helps) ?? null;
}

/** The cheapest proposal that helps, even if it needs images of another architecture. */
export function cheapestOfAnyArchitecture(
  proposals: readonly Proposal[],
  helps: (proposal: Proposal) => boolean,
): Proposal | null {
  return proposals.toSorted((a, b) => a.usdPerHour - b.usdPerHour).find(helps) ?? null;
}

/** A proposal as a remedy, with what it does to the price. */
export function remedyOf(proposal: Proposal | null, cluster: AwsCluster): Remedy | null {
  return proposal === null ? null : { change: proposal.change, ...costsOf(cluster, proposal.cluster) };
}

/**
 * What a change does to the price. If it replaces a machine that the region does not sell, there is no price to compare
 * with, and the new machine's own price takes the place of the difference.
 */
export function costsOf(before: AwsCluster, after: AwsCluster): { costs?: RemedyCosts } {
  const [former, later] = [machineCounts(before), machineCounts(after)];
  const basis = hasSpot(before) || hasSpot(after);
  const changed = [...new Set([...former.keys(), ...later.keys()])].filter(
    (type) => former.get(type) !== later.get(type),
  );
  if (changed.every((type) => usdOf(before.region, type) !== undefined)) {
    return { costs: { usdPerHour: machinesUsd(after) - machinesUsd(before), of: "cluster", hasSpot: basis } };
  }
  const [added, ...others] = changed.filter((type) => (later.get(type) ?? 0) > (former.get(type) ?? 0));
  const usd = added === undefined || others.length > 0 ? undefined : usdOf(after.region, added);
  return usd === undefined ? {} : { costs: { usdPerHour: usd, of: "each machine", hasSpot: basis } };
}

/** Whether any pool uses spot machines, whose price is not known beforehand. */
export function hasSpot({ pools }: AwsCluster): boolean {
  return pools.some(({ market }) => market === "spot");
}

/** Number of machines of each type. */
function machineCounts({ front, pools }: AwsCluster): Map<MachineType, number> {
  const counts = new Map([[front.type, 1]]);
  for (const { host, count } of pools) counts.set(host.type, (counts.get(host.type) ?? 0) + count);
  return counts;
}

/** US dollars per hour of a type on demand; undefined if the region does not sell it. */
function usdOf(region: Region, type: MachineType): number | undefined {
  return priceOf(type, region, "on-demand")?.high;
}

/** Tokens per second with three digits, for a sentence: `1.53`. */
export function speedText(tokensPerSecond: number): string {
  return String(Number(tokensPerSecond.toPrecision(3)));
}

/** The whole numbers from `first` to `last`. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

function otherTypesFor({ region }: AwsCluster, { host, market }: MachinePool): PricedType[] {
  return typesByPrice(region, host.flavour).filter(
    ({ type }) => type.name !== host.type.name && (type.spot || market !== "spot"),
  );
}

function proposal({ change, config }: Edit, type?: MachineType, replaced?: MachineType): Proposal {
  const cluster = resolveOnAws(config);
  const keepsArchitecture = type === undefined || type.architecture === replaced?.architecture;
  return { change, cluster, usdPerHour: machinesUsd(cluster), keepsArchitecture };
}
