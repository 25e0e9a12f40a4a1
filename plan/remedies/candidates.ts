/** What could be changed about machines of EC2, each change with what it costs: the steps of every search on target aws. */

import type { Region } from "../../config/regions.ts";
import type { ClusterConfig, PoolConfig } from "../../config/schema/index.ts";
import type { Flavour } from "../../config/words.ts";
import { findMachineType, type MachineType, machineTypes } from "../catalog/index.ts";
import { backendsPerMachine, poolHost } from "../hosts/hosts.ts";
import { ownSplit } from "../placement/index.ts";
import type { ConfigChange } from "./change.ts";

/** A type that a region sells, and what it costs there on demand. */
export interface Rung {
  type: MachineType;
  usdPerHour: number;
}

/** A change, the configuration that it leads to, and what its machines cost. */
export interface Proposal {
  change: ConfigChange;
  config: ClusterConfig;
  /** What is set to what: `backends[0].count to 3`. Of an own split that goes with it, `sentenceOf` tells. */
  what: string;
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

const ladders = new Map<string, readonly Rung[]>();

/** The types that a region sells on demand for a use, by price. */
export function ladder(region: Region, use: Use): readonly Rung[] {
  const key = `${region} ${use}`;
  const known = ladders.get(key);
  if (known !== undefined) return known;
  const rungs = machineTypes()
    .filter((type) => hasDriver(type) && (use === "front" || (use === "cuda") === (type.gpu !== null)))
    .flatMap((type) => {
      const price = type.usdPerHour[region];
      return price === undefined ? [] : [{ type, usdPerHour: price.usd }];
    })
    .sort((a, b) => a.usdPerHour - b.usdPerHour);
  ladders.set(key, rungs);
  return rungs;
}

/** What all machines cost on demand; those without a price in the region are left out. */
export function machinesUsd(config: ClusterConfig): number {
  const { front, backends } = config;
  const usd = (machine: string | undefined) => (machine === undefined ? 0 : (usdOf(config, machine) ?? 0));
  return backends.reduce((sum, { machine, count }) => sum + count * usd(machine), usd(front.machine));
}

/** Backends of a pool, of which a machine may run several. */
export function backendsOf(pool: PoolConfig): number {
  const { type, flavour } = poolHost(pool);
  return pool.count * backendsPerMachine(type, flavour);
}

/** The pool without a split of the user's own, which no longer fits when machines change. */
export function withoutLayers({ layers: _, ...pool }: PoolConfig): PoolConfig {
  return pool;
}

/** The configuration without a split of the user's own. */
export function withoutSplit(config: ClusterConfig): ClusterConfig {
  return ownSplit(config) === null ? config : { ...config, backends: config.backends.map(withoutLayers) };
}

/** What a sentence adds where its change leaves out a split of the user's own. */
export function withoutLayersText(before: ClusterConfig, after: ClusterConfig): string {
  return ownSplit(before) !== null && ownSplit(after) === null ? " and leave layers out of every pool" : "";
}

/** One value of a pool set; where there is an own split, all pools without it. */
export function poolChange(config: ClusterConfig, index: number, key: "machine" | "count", value: string | number) {
  const pools = withoutSplit(config).backends.map((pool, at) => (at === index ? { ...pool, [key]: value } : pool));
  const path = `backends[${index}].${key}`;
  const hasSplit = ownSplit(config) !== null;
  const change: ConfigChange = hasSplit ? { path: "backends", value: pools } : { path, value };
  return {
    change,
    config: { ...config, backends: pools },
    what: `${path} to ${value}`,
  };
}

/** Every other type for one pool, of its own flavour. */
export function otherMachines(config: ClusterConfig, index: number): Proposal[] {
  const pool = config.backends[index];
  return rungsFor(config, pool).map(({ type }) =>
    proposal(poolChange(config, index, "machine", type.name), type, pool?.machine),
  );
}

/** One pool with other numbers of its machines. */
export function otherCounts(config: ClusterConfig, index: number, counts: readonly number[]): Proposal[] {
  return counts.map((count) => proposal(poolChange(config, index, "count", count)));
}

/** One pool with other machines and other numbers of them. */
export function otherMachinesAndCounts(config: ClusterConfig, index: number, counts: readonly number[]): Proposal[] {
  const pool = config.backends[index];
  return rungsFor(config, pool).flatMap(({ type }) =>
    counts.map((count) => {
      const machine = poolChange(config, index, "machine", type.name);
      const both = poolChange(machine.config, index, "count", count);
      const change = { path: "backends", value: both.config.backends };
      return proposal({ ...both, change, what: `${machine.what} and ${both.what}` }, type, pool?.machine);
    }),
  );
}

/** Every other type for the front. */
export function otherFronts(config: ClusterConfig): Proposal[] {
  const { front, aws } = config;
  const rungs = aws === undefined ? [] : ladder(aws.region, "front");
  return rungs
    .filter(({ type }) => type.name !== front.machine)
    .map(({ type }) => {
      const change = { path: "front.machine", value: type.name };
      const what = `front.machine to ${type.name}`;
      return proposal(
        { change, config: { ...config, front: { ...front, machine: type.name } }, what },
        type,
        front.machine,
      );
    });
}

/** One pool instead of all: so many machines of one type, of the flavours that are asked for. */
export function onePool(config: ClusterConfig, uses: readonly Flavour[], counts: readonly number[]): Proposal[] {
  const [first] = config.backends;
  const { aws } = config;
  if (first === undefined || aws === undefined) return [];
  const { flavour: _, ...kept } = withoutLayers(first);
  const market = hasSpot(config) ? `, market ${kept.market ?? "on-demand"}` : "";
  return uses
    .flatMap((use) => ladder(aws.region, use))
    .filter(({ type }) => type.spot || kept.market !== "spot")
    .flatMap(({ type }) =>
      counts.map((count) => {
        const pools = [{ ...kept, machine: type.name, count }];
        const what = `backends to one pool of ${count} × ${type.name}${market}`;
        const changed = { change: { path: "backends", value: pools }, config: { ...config, backends: pools }, what };
        return proposal(changed, type, first.machine);
      }),
    );
}

/** Flavours of the pools: where there are GPUs, a processor is no substitute. */
export function flavourOf({ backends }: ClusterConfig): Flavour {
  return backends.some((pool) => poolHost(pool).flavour === "cuda") ? "cuda" : "cpu";
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

/** The proposal in words: `Set backends[0].count to 3, which costs 2.55 US dollars per hour more.` */
export function sentenceOf({ what, config: changed }: Proposal, config: ClusterConfig): string {
  return `Set ${what}${withoutLayersText(config, changed)}${priceText(config, changed)}.`;
}

/**
 * What a change does to the price, as the end of a sentence. Where it does away with a machine that the region does not sell
 * there is no price to compare with, and the new machines' own is told.
 */
export function priceText(before: ClusterConfig, after: ClusterConfig): string {
  const [former, later] = [machineCounts(before), machineCounts(after)];
  const basis = hasSpot(before) || hasSpot(after) ? " at on-demand prices" : "";
  const changed = [...new Set([...former.keys(), ...later.keys()])].filter(
    (name) => former.get(name) !== later.get(name),
  );
  if (changed.every((name) => usdOf(before, name) !== undefined)) {
    return `, which ${differenceText(machinesUsd(after) - machinesUsd(before))}${basis}`;
  }
  const [added, ...others] = changed.filter((name) => (later.get(name) ?? 0) > (former.get(name) ?? 0));
  const usd = added === undefined || others.length > 0 ? undefined : usdOf(after, added);
  return usd === undefined ? "" : `, at ${usdText(usd)} US dollars per hour each${basis}`;
}

/** Whether any pool wants spot machines, whose price is not known beforehand. */
export function hasSpot({ backends }: ClusterConfig): boolean {
  return backends.some(({ market }) => market === "spot");
}

function differenceText(usdPerHour: number): string {
  if (Math.abs(usdPerHour) < 0.005) return "costs the same";
  return usdPerHour > 0
    ? `costs ${usdText(usdPerHour)} US dollars per hour more`
    : `saves ${usdText(-usdPerHour)} US dollars per hour`;
}

/** Number of machines of each type. */
function machineCounts({ front, backends }: ClusterConfig): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { machine, count } of [{ machine: front.machine, count: 1 }, ...backends]) {
    if (machine !== undefined) counts.set(machine, (counts.get(machine) ?? 0) + count);
  }
  return counts;
}

/** What a type costs on demand in the region of the configuration; undefined if it is not sold there. */
function usdOf({ aws }: ClusterConfig, machine: string): number | undefined {
  return aws === undefined ? undefined : findMachineType(machine)?.usdPerHour[aws.region]?.usd;
}

/** An amount in dollars and cents. */
export function usdText(usd: number): string {
  return usd.toFixed(2);
}

/** Tokens per second, to three digits. */
export function speedText(tokensPerSecond: number): string {
  return String(Number(tokensPerSecond.toPrecision(3)));
}

/** From `first` to `last`. */
export function numbers(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

function rungsFor({ aws }: ClusterConfig, pool: PoolConfig | undefined): Rung[] {
  if (aws === undefined || pool === undefined) return [];
  return ladder(aws.region, poolHost(pool).flavour).filter(
    ({ type }) => type.name !== pool.machine && (type.spot || pool.market !== "spot"),
  );
}

function proposal(
  changed: Pick<Proposal, "change" | "config" | "what">,
  type?: MachineType,
  replaced?: string,
): Proposal {
  const former = replaced === undefined ? undefined : findMachineType(replaced);
  const keepsArchitecture = type === undefined || former === undefined || type.architecture === former.architecture;
  return { ...changed, usdPerHour: machinesUsd(changed.config), keepsArchitecture };
}
