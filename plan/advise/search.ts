/**
 * Looks for clusters that serve a model: the cheapest, the fastest, and all between them that are not slower and dearer
 * than another. A cluster here is one pool of equal machines that hold every layer, and a front that computes none: mixed
 * pools wait for their slowest machine, and layers on the front end the overlap of the devices. Of each type the smallest
 * pool that fits is taken, as equal devices take turns and one more only adds a hop to every token.
 *
 * Most candidates are dropped by what they cost at least and answer at most. Those that are left are placed, timed and
 * priced as `npm run plan` does it. Pure.
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
import { type Front, frontsFor } from "./fronts.ts";
import { mostTokensPerSecond, type Outlook, outlookOf, type Pool, poolOf, type Wishes } from "./outlook.ts";

export type { Wishes } from "./outlook.ts";

/** A cluster that fits, planned. */
export interface Advice {
  config: ClusterConfig;
  /** EC2 types. */
  front: string;
  machine: string;
  /** Machines of the pool. */
  count: number;
  speed: SpeedEstimate;
  load: LoadEstimate;
  cost: ClusterCost;
  /** The middle of the cost's range: spot prices move. */
  usdPerHour: number;
  usdPerMonth: number;
  /** US dollars for a million tokens at the estimated speed, one answer after the other. */
  usdPerMillionTokens: number;
}

/** What people ask for first. */
export interface Winners {
  cheapest: Advice;
  fastest: Advice;
  /** Least US dollars for a million tokens. */
  value: Advice;
}

/** A cluster that has not been placed yet. */
interface Candidate {
  pool: Pool;
  front: Front;
  /** At least, in the middle of the range. */
  usdPerHour: number;
  /** At most. */
  tokensPerSecond: number;
}

/** Every cluster that no other is both faster and cheaper than, the cheapest and so the slowest first. */
export function search(facts: ModelFacts, wishes: Wishes): Advice[] {
  const outlook = outlookOf(wishes, facts);
  const pools = outlook.types.flatMap((type) => {
    const pool = wishes.spot && !type.spot ? null : outlook.leastPool(type);
    return pool === null ? [] : [pool];
  });
  const fronts = memoize(
    ({ type: { architecture }, devices }: Pool) => frontsFor(architecture, devices, outlook),
    // One device needs no overlap, and any number of several needs the same.
    ({ type: { architecture }, devices }) => `${architecture} ${devices > 1}`,
  );
  const candidatesOf = (pool: Pool) =>
    fronts(pool)
      .map((front) => candidateOf(pool, front, wishes, outlook))
      .filter((candidate) => mayDo(candidate, wishes));
  const queue = pools.flatMap(candidatesOf).sort(cheaperFirst);
  const found: Advice[] = [];
  for (let candidate = queue.shift(); candidate !== undefined; candidate = queue.shift()) {
    if (found.some((advice) => isNoWorse(advice, candidate))) continue;
    const { pool, front } = candidate;
    const cluster = clusterOf(pool, front, wishes, outlook);
    const placement = place(cluster, facts);
    if (placement?.fits !== true || placement.frontLayers > 0) {
      const bigger = poolOf(pool.type, pool.count + 1, facts);
      const next = bigger === null ? [] : [candidateOf(bigger, front, wishes, outlook)];
      queue.push(...next.filter((one) => mayDo(one, wishes)));
      queue.sort(cheaperFirst);
      continue;
    }
    const advice = adviceOf(candidate, cluster, placement, facts);
    if (isWithin(advice, wishes)) found.push(advice);
  }
  return found
    .filter((advice, index) => !found.some((other, place) => place !== index && isBetter(other, advice, place < index)))
    .sort(cheaperFirst);
}

/** Speeds that are nearer to each other than this are the same as far as an estimate knows. */
const NOISE_SHARE = 0.02;

/**
 * Without those that are hardly faster than a cheaper one, or not as far as two digits tell: nobody should pay for a
 * difference that is in no estimate.
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
function clusterOf({ type, count }: Pool, front: Front, { spot }: Wishes, { base }: Outlook): AwsCluster {
  const market = spot ? ({ market: "spot" } as const) : {};
  const name = type.gpu === null ? "cpu" : "gpu";
  const { config } = withPools(base, [{ name, machine: type.name, count, ...market }]);
  return resolveOnAws(withFront({ config }, front.type.name).config);
}

function adviceOf({ pool, front }: Candidate, cluster: AwsCluster, placement: Placement, facts: ModelFacts): Advice {
  const performance = performanceOf(cluster, facts, placement);
  const cost = costOf(cluster, facts, machineOrders(cluster, facts), performance?.speed ?? null);
  if (performance === null || cost === null)
    throw new Error(`${pool.type.name} was offered and can't be reckoned with`);
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
 * What a cluster costs at least: its volumes are rounded up to whole GiB and have room for more than their part of the
 * weights, which is left out here, and a machine with NVMe may keep them there.
 */
function candidateOf(pool: Pool, front: Front, wishes: Wishes, outlook: Outlook): Candidate {
  const { layerBytes, outputBytes } = outlook.facts.weights;
  const weightsBytes = outputBytes + layerBytes.reduce((sum, bytes) => sum + bytes, 0);
  const keptBytes = pool.type.nvmeGigabytes === 0 ? weightsBytes : 0;
  const gibibytes =
    (pool.count - 1) * backendDisk(pool.type, 0).gibibytes + backendDisk(pool.type, keptBytes).gibibytes;
  const disks = (gibibytes * SERVICE_PRICES.gp3GibibyteMonth) / HOURS_PER_MONTH;
  return {
    pool,
    front,
    usdPerHour: front.usdPerHour + disks + pool.count * machineUsd(pool, wishes, outlook),
    tokensPerSecond: mostTokensPerSecond(pool, front.type, outlook),
  };
}

function machineUsd({ type }: Pool, { spot }: Wishes, { base: { region } }: Outlook): number {
  const price = priceOf(type, region, spot ? "spot" : "on-demand");
  if (price === null) throw new Error(`${type.name} was offered and has no price in ${region}`);
  return middle(price);
}

/** Whether a candidate may be within the limits, as far as is known before it is placed. */
function mayDo({ usdPerHour, tokensPerSecond }: Candidate, { base, minTokensPerSecond }: Wishes): boolean {
  return (
    usdPerHour <= (base.limits.maxHourlyUsd ?? Number.POSITIVE_INFINITY) && tokensPerSecond >= (minTokensPerSecond ?? 0)
  );
}

/** Whether a cluster is within the limits. Spot machines count with the price that they never exceed. */
function isWithin({ cost, speed }: Advice, { base, minTokensPerSecond }: Wishes): boolean {
  return (
    cost.usdPerHour.high <= (base.limits.maxHourlyUsd ?? Number.POSITIVE_INFINITY) &&
    speed.decode.tokensPerSecond >= (minTokensPerSecond ?? 0)
  );
}

function isNoWorse(advice: Advice, { usdPerHour, tokensPerSecond }: Candidate): boolean {
  return advice.usdPerHour <= usdPerHour && advice.speed.decode.tokensPerSecond >= tokensPerSecond;
}

/** Whether `other` leaves nothing to be said for `advice`; of two that are alike, the first counts. */
function isBetter(other: Advice, advice: Advice, isFirst: boolean): boolean {
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
