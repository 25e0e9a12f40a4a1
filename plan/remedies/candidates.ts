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

/** A type that a region sells, and what it costs there on demand. */
export interface Rung {
  type: MachineType;
  usdPerHour: number;
}

/** A change, the cluster that it leads to, and what its machines cost. */
export interface Proposal {
  change: ConfigChange;
  cluster: AwsCluster;
  /** On demand, all machines together. */
  usdPerHour: number;
  /** Whether no image of another architecture is needed than before. */
  keepsArchitecture: boolean;
}

/** What a machine is wanted for. */
export type Use = Flavour | "front";

/** The images and the drivers of Amazon's machine image begin with Turing. */
const LEAST_COMPUTE_CAPABILITY = 7.5;

/** Whether the machine image that EC2 offers for GPUs has a driver for this one: not for parts of a GPU, not for old ones. */
export function hasDriver({ gpu }: MachineType): boolean {
  return gpu === null || (gpu.partition === 1 && (gpu.computeCapability ?? Infinity) >= LEAST_COMPUTE_CAPABILITY);
}

const typesFor = memoize(
  ({ region, use }: { region: Region; use: Use }): readonly Rung[] =>
    machineTypes()
      .filter((type) => hasDriver(type) && (use === "front" || (use === "cuda") === (type.gpu !== null)))
      .flatMap((type) => {
        const price = priceOf(type, region, "on-demand");
        return price === null ? [] : [{ type, usdPerHour: price.high }];
      })
      .sort((a, b) => a.usdPerHour - b.usdPerHour),
  ({ region, use }) => `${region} ${use}`,
);

/** The types that a region sells on demand for a use, by price. */
export function ladder(region: Region, use: Use): readonly Rung[] {
  return typesFor({ region, use });
}

/** What all machines cost on demand; those without a price in the region are left out. */
export function machinesUsd({ region, front, pools }: AwsCluster): number {
  const usd = (type: MachineType) => usdOf(region, type) ?? 0;
  return pools.reduce((sum, { host, count }) => sum + count * usd(host.type), usd(front.type));
}

/** Every other type for one pool, of its own flavour. */
export function otherMachines(cluster: AwsCluster, pool: MachinePool): Proposal[] {
  return rungsFor(cluster, pool).map(({ type }) =>
    proposal(withPoolValues(cluster, pool.index, { machine: type.name }), type, pool.host.type),
  );
}

/** One pool with other numbers of its machines. */
export function otherCounts(cluster: AwsCluster, pool: MachinePool, counts: readonly number[]): Proposal[] {
  return counts.map((count) => proposal(withPoolValues(cluster, pool.index, { count })));
}

/** One pool with other machines and other numbers of them. */
export function otherMachinesAndCounts(cluster: AwsCluster, pool: MachinePool, counts: readonly number[]): Proposal[] {
  return rungsFor(cluster, pool).flatMap(({ type }) =>
    counts.map((count) =>
      proposal(withPoolValues(cluster, pool.index, { machine: type.name, count }), type, pool.host.type),
    ),
  );
}

/** Every other type for the front. */
export function otherFronts(cluster: AwsCluster): Proposal[] {
  const present = cluster.front.type;
  return ladder(cluster.region, "front")
    .filter(({ type }) => type.name !== present.name)
    .map(({ type }) => proposal(withFront(cluster, type.name), type, present));
}

/** One pool instead of all: so many machines of one type, of the flavours that are asked for. */
export function onePool(cluster: AwsCluster, uses: readonly Flavour[], counts: readonly number[]): Proposal[] {
  const [first] = cluster.pools;
  if (first === undefined) return [];
  return uses
    .flatMap((use) => ladder(cluster.region, use))
    .filter(({ type }) => type.spot || first.market !== "spot")
    .flatMap(({ type }) =>
      counts.map((count) => proposal(withOnePool(cluster, type.name, count), type, first.host.type)),
    );
}

/** Flavours of the pools: where there are GPUs, a processor is no substitute. */
export function flavourOf({ pools }: Cluster): Flavour {
  return pools.some(({ host }) => host.flavour === "cuda") ? "cuda" : "cpu";
}

/** The cheapest that helps; one that brings in another architecture only if no other does. */
export function cheapestThat(proposals: readonly Proposal[], helps: (proposal: Proposal) => boolean): Proposal | null {
  const order = proposals.toSorted(
    (a, b) => Number(b.keepsArchitecture) - Number(a.keepsArchitecture) || a.usdPerHour - b.usdPerHour,
  );
  return order.find(helps) ?? null;
}

/** The cheapest that helps, of whatever architecture. */
export function cheapestOfAll(proposals: readonly Proposal[], helps: (proposal: Proposal) => boolean): Proposal | null {
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

/** Whether any pool wants spot machines, whose price is not known beforehand. */
export function hasSpot({ pools }: AwsCluster): boolean {
  return pools.some(({ market }) => market === "spot");
}

/** Number of machines of each type. */
function machineCounts({ front, pools }: AwsCluster): Map<MachineType, number> {
  const counts = new Map([[front.type, 1]]);
  for (const { host, count } of pools) counts.set(host.type, (counts.get(host.type) ?? 0) + count);
  return counts;
}

/** What a type costs on demand; undefined if the region does not sell it. */
function usdOf(region: Region, type: MachineType): number | undefined {
  return priceOf(type, region, "on-demand")?.high;
}

/** Tokens per second, to three digits. */
export function speedText(tokensPerSecond: number): string {
  return String(Number(tokensPerSecond.toPrecision(3)));
}

/** From `first` to `last`. */
export function numbers(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

function rungsFor({ region }: AwsCluster, { host, market }: MachinePool): Rung[] {
  return ladder(region, host.flavour).filter(
    ({ type }) => type.name !== host.type.name && (type.spot || market !== "spot"),
  );
}

function proposal({ change, config }: Edit, type?: MachineType, replaced?: MachineType): Proposal {
  const cluster = resolveOnAws(config);
  const keepsArchitecture = type === undefined || type.architecture === replaced?.architecture;
  return { change, cluster, usdPerHour: machinesUsd(cluster), keepsArchitecture };
}
