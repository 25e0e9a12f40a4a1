/** Edits of a configuration: what findings propose, what searches try. Nothing here says what a configuration means. */

import { at } from "../../config/collections.ts";
import type { ClusterConfig, PoolConfig } from "../../config/schema/index.ts";
import type { Flavour } from "../../config/words.ts";
import type { AwsCluster, Cluster, Pool } from "../hosts/cluster.ts";
import { resolveOnAws } from "../hosts/resolve.ts";

/** One value of the configuration to set: `backends[0].memory` to `"3 GiB"`, the whole front, or all pools. */
export interface ConfigChange {
  path: string;
  value: string | number | Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[];
}

/** A change, and the configuration with it. */
export interface Edit {
  change: ConfigChange;
  config: ClusterConfig;
}

/** A copy of the configuration with one value set; the path must exist. */
export function applyChange(config: ClusterConfig, { path, value }: ConfigChange): ClusterConfig {
  const copy = structuredClone(config);
  const steps = path.split(/[.[\]]+/).filter((step) => step !== "");
  const last = steps.pop();
  let place: unknown = copy;
  for (const step of steps) place = isContainer(place) ? place[step] : undefined;
  if (!isContainer(place) || last === undefined) throw new Error(`the configuration has nothing at ${path}`);
  place[last] = value;
  return copy;
}

/** Other pools in place of all. */
export function withPools({ config }: Pick<Cluster, "config">, pools: PoolConfig[]): Edit {
  return { change: { path: "backends", value: pools }, config: { ...config, backends: pools } };
}

/** The pools as a cluster has them, in place of all. */
export function allPools({ config: { backends } }: Cluster): ConfigChange {
  return { path: "backends", value: backends };
}

/** Every pool without a split of the user's own. */
export function withoutSplit(cluster: Cluster): Edit {
  return withPools(cluster, cluster.config.backends.map(withoutLayers));
}

/** These pools alone, without a split of the user's own. */
export function withPoolsAlone(cluster: Cluster, pools: readonly Pool[], count?: number): Edit {
  const kept = cluster.config.backends.filter((_, index) => pools.some((pool) => pool.index === index));
  return withPools(
    cluster,
    kept.map((pool) => ({ ...withoutLayers(pool), ...(count === undefined ? {} : { count }) })),
  );
}

/** Every pool with another memory, in the order of the pools. */
export function withMemory(cluster: Cluster, memory: readonly NonNullable<PoolConfig["memory"]>[]): Edit {
  return withPools(
    cluster,
    cluster.config.backends.map((pool, index) => ({ ...pool, memory: at(memory, index) })),
  );
}

/** Values of one pool set; where there is an own split, all pools without it, as it fits other machines no longer. */
export function withPoolValues(cluster: Cluster, index: number, values: { machine?: string; count?: number }): Edit {
  const hasSplit = cluster.ownSplit !== null;
  const pools = cluster.config.backends.map((pool, other) => ({
    ...(hasSplit ? withoutLayers(pool) : pool),
    ...(other === index ? values : {}),
  }));
  const all = withPools(cluster, pools);
  const [only, ...more] = Object.entries(values);
  if (hasSplit || only === undefined || more.length > 0) return all;
  const [key, value] = only;
  return { ...all, change: { path: `backends[${index}].${key}`, value } };
}

/** One pool of equal machines in place of all, with the first pool's other settings. */
export function withOnePool(cluster: AwsCluster, machine: string, count: number): Edit {
  return withPools(
    cluster,
    cluster.config.backends.slice(0, 1).map((first) => {
      const { flavour: _, ...kept } = withoutLayers(first);
      return { ...kept, machine, count };
    }),
  );
}

/** Another machine for the front. */
export function withFront({ config }: Pick<AwsCluster, "config">, machine: string): Edit {
  return {
    change: { path: "front.machine", value: machine },
    config: { ...config, front: { ...config.front, machine } },
  };
}

/** Another throughput of the front's volume. */
export function withFrontDisk({ config }: AwsCluster, diskMebibytesPerSecond: number): Edit {
  return {
    change: { path: "front.diskMebibytesPerSecond", value: diskMebibytesPerSecond },
    config: { ...config, front: { ...config.front, diskMebibytesPerSecond } },
  };
}

/** The front as a cluster has it, in place of this one's. */
export function wholeFront({ config: { front } }: AwsCluster): ConfigChange {
  return { path: "front", value: front };
}

/** The cluster with a single machine of the front's type in place of all backends. */
export function withFrontTypeAlone(cluster: AwsCluster, flavour: Flavour): AwsCluster {
  const alone: PoolConfig = { name: "alone", machine: cluster.front.type.name, flavour, count: 1 };
  return resolveOnAws({ ...cluster.config, backends: [alone] });
}

function withoutLayers({ layers: _, ...pool }: PoolConfig): PoolConfig {
  return pool;
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
