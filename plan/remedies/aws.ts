/** What would help on EC2: the change with the lowest price, found among the types that the region sells and tried. */

import { MAX_BACKENDS } from "../../config/bounds.ts";
import type { AwsCluster, Cluster, Pool } from "../hosts/cluster.ts";
import { resolve } from "../hosts/resolve.ts";
import type { ModelFacts } from "../model/facts.ts";
import { place } from "../placement/index.ts";
import {
  cheapestThat,
  numbers,
  otherCounts,
  otherFronts,
  otherMachines,
  otherMachinesAndCounts,
  type Proposal,
  remedyOf,
} from "./candidates.ts";
import { withPoolValues } from "./change.ts";
import { couldHold, type Share } from "./feasible.ts";
import { backendsFit, backendsHoldAll, everythingFits, type Goal, lessContext, plannersSplit } from "./memory.ts";
import type { Remedy } from "./remedy.ts";

/** A change that works on either target. */
interface Step extends Pick<Proposal, "change"> {
  cluster: Cluster;
}

/** What makes the model fit at the least price; null if nothing does. */
export function cheapestFitOnAws(cluster: AwsCluster, facts: ModelFacts): Remedy | null {
  const helps = reaches(facts, backendsFit, "with the front");
  // Layers on the front are a way out, not a cluster.
  const fronts = cluster.ownSplit === null ? otherFronts(cluster) : [];
  return (
    plannersSplit(cluster, facts, backendsFit) ??
    remedyOf(cheapestThat(poolProposals(cluster), helps), cluster) ??
    remedyOf(cheapestThat(bothProposals(cluster), helps), cluster) ??
    remedyOf(cheapestThat(fronts, helps), cluster) ??
    lessContext(cluster, facts)
  );
}

/** What lets the backends hold every layer at the least price. */
export function cheapestWithoutFrontLayersOnAws(cluster: AwsCluster, facts: ModelFacts): Remedy | null {
  const helps = reaches(facts, backendsHoldAll, "all");
  return (
    plannersSplit(cluster, facts, backendsHoldAll) ??
    remedyOf(cheapestThat(poolProposals(cluster), helps), cluster) ??
    remedyOf(cheapestThat(bothProposals(cluster), helps), cluster)
  );
}

/** The cheapest front that is big enough: for everything where the backends can hold their part, else for its own. */
export function cheapestFront(cluster: AwsCluster, facts: ModelFacts): Remedy | null {
  const present = place(cluster, facts);
  const ownPartFits: Goal = ({ front }) => front.totalBytes <= front.capacityBytes;
  const goal = present !== null && backendsFit(present) ? everythingFits : ownPartFits;
  const helps = ({ cluster: changed }: Proposal) => {
    const isBigEnough = changed.front.capacityBytes >= (present?.front.totalBytes ?? 0);
    const placement = isBigEnough ? place(changed, facts) : null;
    return placement !== null && goal(placement);
  };
  return remedyOf(cheapestThat(otherFronts(cluster), helps), cluster);
}

/**
 * What leaves at most so many backends: fewer machines, or else machines with fewer GPUs, if the model then fits; where it
 * fits with neither, the same without the model.
 */
export function fewerBackends(cluster: Cluster, facts: ModelFacts, most: number): Remedy | null {
  const surplus = cluster.backends.length - most;
  const fits = reaches(facts, everythingFits, "with the front");
  const fewer = cluster.pools.flatMap((pool) => {
    const count = machinesLeft(pool, surplus);
    return count < 1 ? [] : [withCount(cluster, pool, count)];
  });
  const fitting = fewer.find(fits);
  if (fitting !== undefined) return atMost(fitting);
  const [first] = fewer;
  if (cluster.target === "docker") return first === undefined ? null : atMost(first);
  const smaller = cluster.pools
    .flatMap((pool) => otherMachines(cluster, pool))
    .filter((proposal) => proposal.cluster.backends.length <= most);
  const sameGpus = smaller.filter((proposal) => gpusOf(proposal.cluster) === gpusOf(cluster));
  const found = cheapestThat(sameGpus, fits) ?? cheapestThat(smaller, fits);
  if (found === null && first !== undefined) return atMost(first);
  return remedyOf(found ?? cheapestThat(smaller, () => true), cluster);
}

/** A pool with another number of machines, or of containers on the user's own. */
function withCount(cluster: Cluster, { index }: Pool, count: number): Step {
  const { change, config } = withPoolValues(cluster, index, { count });
  return { change, cluster: resolve(config) };
}

/** A lower count as a remedy, without the price: nobody lowers it to save money. */
function atMost({ change }: Step): Remedy {
  return { change: { ...change, set: change.set.map((one) => ({ ...one, bound: "at most" })) } };
}

/** Whether a proposal reaches a goal: the quick answer first, then by placing the model. */
export function reaches(facts: ModelFacts, goal: Goal, share: Share): (proposal: { cluster: Cluster }) => boolean {
  return ({ cluster }) => {
    const placement = couldHold(cluster, facts, share) ? place(cluster, facts) : null;
    return placement !== null && goal(placement);
  };
}

/** Machines that a pool keeps when so many backends go; 0 or less if it has too few. */
function machinesLeft({ count, backends }: Pool, surplus: number): number {
  return count - Math.ceil(surplus / (backends.length / count));
}

/** Kinds of GPU in the order of the pools. */
function gpusOf({ pools }: AwsCluster): string {
  return pools.map(({ host }) => host.type.gpu?.name ?? "").join();
}

/** One value of one pool. */
function poolProposals(cluster: AwsCluster): Proposal[] {
  return cluster.pools.flatMap((pool) => [
    ...otherMachines(cluster, pool),
    ...otherCounts(cluster, pool, numbers(pool.count + 1, MAX_BACKENDS)),
  ]);
}

/** Machine and number of one pool. */
function bothProposals(cluster: AwsCluster): Proposal[] {
  return cluster.pools.flatMap((pool) => otherMachinesAndCounts(cluster, pool, numbers(pool.count + 1, MAX_BACKENDS)));
}
