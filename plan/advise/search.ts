/**
 * Searches for clusters that serve a model: the cheapest, the fastest, and all clusters between them that are not both
 * slower and more expensive than another. Each cluster has one pool of equal machines that hold every layer, and a front
 * that computes no layers: mixed pools wait for their slowest machine, and layers on the front prevent pipelining. The
 * search takes the smallest pool of each type that fits, because one more device only adds a hop to every token.
 *
 * A lower bound of the cost and an upper bound of the speed exclude most candidates. The others are placed, timed and
 * priced in the same way as by `npm run plan`. Pure.
 */

import { memoize } from "../../config/collections.ts";
import type { ClusterConfig } from "../../config/schema/index.ts";
import { type ClusterCost, costOf } from "../cost/bill.ts";
import { HOURS_PER_MONTH, priceOf, SERVICE_PRICES, type UsdRange } from "../cost/prices.ts";
import type { AwsCluster } from "../hosts/cluster.ts";
import { resolveOnAws } from "../hosts/resolve.ts";
import type { ModelFacts } from "../model/facts.ts";
import { performanceOf } from "../performance.ts";
import { type Placement, place } from "../placement/index.ts";
import { withFront, withPools } from "../remedies/change.ts";
import { backendDisk } from "../resources/disks.ts";
import { machineOrders } from "../resources/machines.ts";
import type { Estimate, SpeedEstimate } from "../speed/estimate.ts";
import { tokensPerSecond } from "../speed/estimate.ts";
import type { LoadEstimate } from "../speed/load.ts";
import { mostTokensPerSecond, type Pool, poolOf, type SearchContext, searchContextOf, type Wishes } from "./context.ts";
import { type Front, frontsFor } from "./fronts.ts";

export type { Wishes } from "./context.ts";

/** A planned cluster that fits. */
export interface Advice {
  config: ClusterConfig;
  /** EC2 type of the front. */
  front: string;
  machine: string;
  /** Number of machines in the pool. */
  count: number;
  speed: SpeedEstimate;
  load: LoadEstimate;
  cost: ClusterCost;
  /** The middle of the range of the cost, because spot prices change. */
  usdPerHour: number;
  usdPerMonth: number;
  /** US dollars for a million tokens at the estimated speed, one answer at a time. */
  usdPerMillionTokens: number;
}

/** The clusters that are best in one respect. */
export interface Winners {
  cheapest: Advice;
  fastest: Advice;
  /** The lowest price of a million tokens. */
  value: Advice;
}

/** A cluster that is not placed yet. */
interface Candidate {
  pool: Pool;
  front: Front;
  /** Lower bound of the middle of the range of its cost. */
  usdPerHour: number;
  /** Upper bound of its speed. */
  tokensPerSecond: number;
}

/** All clusters for which no other is both faster and cheaper. The first is the cheapest and so the slowest. */
export function search(facts: ModelFacts, wishes: Wishes): Advice[] {
  const context = searchContextOf(wishes, facts);
  const pools = context.types.flatMap((type) => {
    const pool = wishes.spot && !type.spot ? null : context.leastPool(type);
    return pool === null ? [] : [pool];
  });
  const fronts = memoize(
    ({ type: { architecture }, devices }: Pool) => frontsFor(architecture, devices, context),
    // Fronts differ only between one device, which needs no pipelining, and several.
    ({ type: { architecture }, devices }) => `${architecture} ${devices > 1}`,
  );
  const candidatesOf = (pool: Pool) =>
    fronts(pool)
      .map((front) => candidateOf(pool, front, wishes, context))
      .filter((candidate) => couldMeet(candidate, wishes));
  const queue = pools.flatMap(candidatesOf).sort(cheaperFirst);
  const found: Advice[] = [];
  for (let candidate = queue.shift(); candidate !== undefined; candidate = queue.shift()) {
    if (found.some((advice) => dominatesBounds(advice, candidate))) continue;
    const { pool, front } = candidate;
    const cluster = clusterOf(pool, front, wishes, context);
    const placement = place(cluster, facts);
    if (placement?.fits !== true || placement.frontLayers > 0) {
      const bigger = poolOf(pool.type, pool.count + 1, facts);
      const next = bigger === null ? [] : [candidateOf(bigger, front, wishes, context)];
      queue.push(...next.filter((one) => couldMeet(one, wishes)));
      queue.sort(cheaperFirst);
      continue;
    }
    const advice = adviceOf(candidate, cluster, placement, facts);
    if (isWithin(advice, wishes)) found.push(advice);
  }
  return found
    .filter((advice, index) => !found.some((other, rank) => rank !== index && dominates(other, advice, rank < index)))
    .sort(cheaperFirst);
}

/** Speeds that differ by less than this share are equal within the accuracy of the estimate. */
const NOISE_SHARE = 0.02;

/**
 * Removes clusters that are hardly faster than a cheaper one, or equally fast in two digits, because the estimate is not
 * accurate enough to pay for that difference.
 */
export function withoutNoise(found: readonly Advice[]): Advice[] {
  const kept: Advice[] = [];
  for (const advice of found) {
    const cheaper = kept.at(-1);
    if (cheaper === undefined || isFaster(advice.speed.decode, cheaper.speed.decode)) kept.push(advice);
  }
  return kept;
}

function isFaster({ tokensPerSecond: speed }: Estimate, { tokensPerSecond: other }: Estimate): boolean {
  return speed >= other * (1 + NOISE_SHARE) && tokensPerSecond(speed) !== tokensPerSecond(other);
}

/** The winners among clusters that {@link search} found; null if there are none. */
export function winnersOf(found: readonly Advice[]): Winners | null {
  const [cheapest] = found;
  const fastest = found.at(-1);
  if (cheapest === undefined || fastest === undefined) return null;
  const value = found.reduce((best, advice) => (advice.usdPerMillionTokens < best.usdPerMillionTokens ? advice : best));
  return { cheapest, fastest, value };
}

/** The cluster of a pool and a front. */
function clusterOf({ type, count }: Pool, front: Front, { spot }: Wishes, { base }: SearchContext): AwsCluster {
  const market = spot ? ({ market: "spot" } as const) : {};
  const name = type.gpu === null ? "cpu" : "gpu";
  const { config } = withPools(base, [{ name, machine: type.name, count, ...market }]);
  return resolveOnAws(withFront({ config }, front.type.name).config);
}

function adviceOf({ pool, front }: Candidate, cluster: AwsCluster, placement: Placement, facts: ModelFacts): Advice {
  const performance = performanceOf(cluster, facts, placement);
  const cost = costOf(cluster, facts, machineOrders(cluster, facts), performance?.speed ?? null);
  if (performance === null || cost === null)
    throw new Error(`${pool.type.name} was a candidate, but it has no estimate or no price`);
  const { speed, load } = performance;
  const usdPerHour = middle(cost.usdPerHour);
  return {
    config: cluster.config,
    front: front.type.name,
    machine: pool.type.name,
    count: pool.count,
    speed,
    load,
    cost,
    usdPerHour,
    usdPerMonth: middle(cost.usdPerMonth),
    usdPerMillionTokens: (usdPerHour / (speed.decode.tokensPerSecond * 3600)) * 1e6,
  };
}

/**
 * A candidate with the lower bound of its cost. It leaves out what comes on top: volumes are rounded up to whole GiB and
 * have room for more than their part of the weights. A machine with NVMe may need no such volume.
 */
function candidateOf(pool: Pool, front: Front, wishes: Wishes, context: SearchContext): Candidate {
  const { layerBytes, outputBytes } = context.facts.weights;
  const weightsBytes = outputBytes + layerBytes.reduce((sum, bytes) => sum + bytes, 0);
  const keptBytes = pool.type.nvmeGigabytes === 0 ? weightsBytes : 0;
  const gibibytes =
    (pool.count - 1) * backendDisk(pool.type, 0).gibibytes + backendDisk(pool.type, keptBytes).gibibytes;
  const disks = (gibibytes * SERVICE_PRICES.gp3GibibyteMonth) / HOURS_PER_MONTH;
  return {
    pool,
    front,
    usdPerHour: front.usdPerHour + disks + pool.count * machineUsd(pool, wishes, context),
    tokensPerSecond: mostTokensPerSecond(pool, front.type, context),
  };
}

function machineUsd({ type }: Pool, { spot }: Wishes, { base: { region } }: SearchContext): number {
  const price = priceOf(type, region, spot ? "spot" : "on-demand");
  if (price === null) throw new Error(`${type.name} was a candidate, but it has no price in ${region}`);
  return middle(price);
}

/** Whether a candidate may be within the limits, by the bounds that are known before it is placed. */
function couldMeet({ usdPerHour, tokensPerSecond }: Candidate, { base, minTokensPerSecond }: Wishes): boolean {
  return (
    usdPerHour <= (base.limits.maxHourlyUsd ?? Number.POSITIVE_INFINITY) && tokensPerSecond >= (minTokensPerSecond ?? 0)
  );
}

/** Whether a cluster is within the limits. Spot machines count at the on-demand price, which they never exceed. */
function isWithin({ cost, speed }: Advice, { base, minTokensPerSecond }: Wishes): boolean {
  return (
    cost.usdPerHour.high <= (base.limits.maxHourlyUsd ?? Number.POSITIVE_INFINITY) &&
    speed.decode.tokensPerSecond >= (minTokensPerSecond ?? 0)
  );
}

function dominatesBounds(advice: Advice, { usdPerHour, tokensPerSecond }: Candidate): boolean {
  return advice.usdPerHour <= usdPerHour && advice.speed.decode.tokensPerSecond >= tokensPerSecond;
}

/** Whether `other` is at least as fast and as cheap as `advice`. If both are equal, the first one dominates. */
function dominates(other: Advice, advice: Advice, isFirst: boolean): boolean {
  const [faster, slower] = [other.speed.decode.tokensPerSecond, advice.speed.decode.tokensPerSecond];
  if (other.usdPerHour > advice.usdPerHour || faster < slower) return false;
  return other.usdPerHour < advice.usdPerHour || faster > slower || isFirst;
}

function cheaperFirst(a: { usdPerHour: number }, b: { usdPerHour: number }): number {
  return a.usdPerHour - b.usdPerHour;
}

function middle({ low, high }: UsdRange): number {
  return (low + high) / 2;
}
