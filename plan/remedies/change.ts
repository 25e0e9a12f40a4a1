/** Changes of a configuration that findings propose and searches try. Only `resolve` knows what a configuration means. */

import { at } from "../../config/collections.ts";
import type { ClusterConfig, PoolConfig } from "../../config/schema/index.ts";
import type { Flavour } from "../../config/words.ts";
import type { AwsCluster, Cluster, Pool } from "../hosts/cluster.ts";
import { resolveOnAws } from "../hosts/resolve.ts";

/** A value as the stack file has it: a scalar, a section, or the list of all pools. */
export type ConfigValue =
  | string
  | number
  | Readonly<Record<string, unknown>>
  | readonly Readonly<Record<string, unknown>>[];

/** One value to set: `backends[0].memory` to `"3 GiB"`. */
export interface Setting {
  path: string;
  value: ConfigValue;
  /** Other values help too: every higher one, or every lower one. @default this value alone */
  bound?: "at least" | "at most";
}

/** One value, or one pool, to take out of the stack file. */
export interface Removal {
  /** `backends[0].layers`, or `backends[0]` for the whole pool. */
  path: string;
  /** Name of the pool, if the whole pool goes. */
  pool?: string;
}

/** A change of the stack file. All paths are those of the file before the change. */
export interface ConfigChange {
  set: readonly Setting[];
  remove: readonly Removal[];
}

/** A change, and the configuration with it. */
export interface Edit {
  change: ConfigChange;
  config: ClusterConfig;
}

/** The change that sets one value. */
export function setting(path: string, value: ConfigValue, bound?: Setting["bound"]): ConfigChange {
  return { set: [{ path, value, ...(bound === undefined ? {} : { bound }) }], remove: [] };
}

/** Two changes as one. */
export function bothChanges(first: ConfigChange, second: ConfigChange): ConfigChange {
  const removed = new Set(first.remove.map(({ path }) => path));
  return {
    set: [...first.set, ...second.set],
    remove: [...first.remove, ...second.remove.filter(({ path }) => !removed.has(path))],
  };
}

/** A copy of the configuration with the change. The section of each path must exist. */
export function applyChange(config: ClusterConfig, { set, remove }: ConfigChange): ClusterConfig {
  const copy = structuredClone(config);
  for (const { path, value } of set) {
    const { holder, key } = holderOf(copy, path);
    holder[key] = value;
  }
  const gone = new Set(remove.flatMap(({ path, pool }) => (pool === undefined ? [] : path)));
  for (const { path, pool } of remove) {
    if (pool !== undefined) continue;
    const { holder, key } = holderOf(copy, path);
    delete holder[key];
  }
  return { ...copy, backends: copy.backends.filter((_, index) => !gone.has(`backends[${index}]`)) };
}

/**
 * Where the remedy changes the stack file: the innermost path that contains all values that it sets, or else all that it
 * removes. Undefined if it changes nothing.
 */
export function changedPath({ set, remove }: ConfigChange): string | undefined {
  const [first, ...others] = (set.length > 0 ? set : remove).map(({ path }) => stepsOf(path));
  if (first === undefined) return undefined;
  const differing = first.findIndex((step, index) => others.some((steps) => steps[index] !== step));
  const shared = differing < 0 ? first : first.slice(0, differing);
  return shared.map((step, index) => (/^\d+$/.test(step) ? `[${step}]` : index === 0 ? step : `.${step}`)).join("");
}

/** Other pools in place of all. */
export function withPools({ config }: Pick<Cluster, "config">, pools: PoolConfig[]): Edit {
  return { change: setting("backends", pools), config: { ...config, backends: pools } };
}

/** Every pool without a split of the user's own. */
export function withoutSplit(cluster: Cluster): Edit {
  return edit(cluster, { set: [], remove: splitOf(cluster) });
}

/** These pools alone, without a split of the user's own. */
export function withPoolsAlone(cluster: Cluster, pools: readonly Pool[], count?: number): Edit {
  const kept = new Set(pools.map(({ index }) => index));
  const others = cluster.pools.filter(({ index }) => !kept.has(index));
  return edit(cluster, {
    set: pools.flatMap((pool) =>
      count === undefined || pool.count === count ? [] : [{ path: `backends[${pool.index}].count`, value: count }],
    ),
    remove: [
      ...others.map(({ index, name }) => ({ path: `backends[${index}]`, pool: name })),
      ...splitOf(cluster, pools),
    ],
  });
}

/** Every pool with another memory, in the order of the pools. */
export function withMemory(cluster: Cluster, memory: readonly NonNullable<PoolConfig["memory"]>[]): Edit {
  return edit(cluster, {
    set: cluster.pools.map(({ index }) => ({ path: `backends[${index}].memory`, value: at(memory, index) })),
    remove: [],
  });
}

/** Values of one pool set; if the user splits the layers, all pools without the split: it does not suit other machines. */
export function withPoolValues(cluster: Cluster, index: number, values: { machine?: string; count?: number }): Edit {
  const { config } = cluster;
  const remove = splitOf(cluster);
  const backends = config.backends.map((pool, other) => ({
    ...(remove.length > 0 ? withoutLayers(pool) : pool),
    ...(other === index ? values : {}),
  }));
  const set = Object.entries(values).map(([key, value]) => ({ path: `backends[${index}].${key}`, value }));
  return { change: { set, remove }, config: { ...config, backends } };
}

/** One pool of equal machines in place of all, with the first pool's other settings. */
export function withOnePool(cluster: AwsCluster, machine: string, count: number): Edit {
  const { change, config } = withPools(
    cluster,
    cluster.config.backends.slice(0, 1).map((first) => {
      const { flavour: _, ...kept } = withoutLayers(first);
      return { ...kept, machine, count };
    }),
  );
  return { change: { ...change, remove: splitOf(cluster, cluster.pools.slice(0, 1)) }, config };
}

/** Another machine for the front. */
export function withFront({ config }: Pick<AwsCluster, "config">, machine: string): Edit {
  return {
    change: setting("front.machine", machine),
    config: { ...config, front: { ...config.front, machine } },
  };
}

/** Another throughput of the front's volume, in MiB/s. */
export function withFrontDisk({ config }: AwsCluster, diskMebibytesPerSecond: number): Edit {
  return {
    change: setting("front.diskMebibytesPerSecond", diskMebibytesPerSecond),
    config: { ...config, front: { ...config.front, diskMebibytesPerSecond } },
  };
}

/** The cluster with a single machine of the front's type in place of all backends. */
export function withFrontTypeAlone(cluster: AwsCluster, flavour: Flavour): AwsCluster {
  const alone: PoolConfig = { name: "alone", machine: cluster.front.type.name, flavour, count: 1 };
  return resolveOnAws({ ...cluster.config, backends: [alone] });
}

function edit({ config }: Cluster, change: ConfigChange): Edit {
  return { change, config: applyChange(config, change) };
}

/** The user's own split, as far as pools have a part of it. */
function splitOf({ config, ownSplit }: Cluster, pools?: readonly Pool[]): Removal[] {
  if (ownSplit === null) return [];
  return config.backends.flatMap((pool, index) => {
    const isAsked = pools === undefined || pools.some((one) => one.index === index);
    return pool.layers === undefined || !isAsked ? [] : [{ path: `backends[${index}].layers` }];
  });
}

function withoutLayers({ layers: _, ...pool }: PoolConfig): PoolConfig {
  return pool;
}

function stepsOf(path: string): string[] {
  return path.split(/[.[\]]+/).filter((step) => step !== "");
}

/** What contains the value at a path, and the value's key in it. */
function holderOf(config: ClusterConfig, path: string): { holder: Record<string, unknown>; key: string } {
  const steps = stepsOf(path);
  const key = steps.pop();
  let holder: unknown = config;
  for (const step of steps) holder = isContainer(holder) ? holder[step] : undefined;
  if (!isContainer(holder) || key === undefined) throw new Error(`the configuration has nothing at ${path}`);
  return { holder, key };
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
