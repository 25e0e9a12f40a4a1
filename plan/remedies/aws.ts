/** Remedies on EC2: of the changes that help, the one with the lowest price. Each one is tried. */

import { MAX_BACKENDS } from "../../config/bounds.ts";
import type { AwsCluster, Cluster, Pool } from "../hosts/cluster.ts";
import { resolve } from "../hosts/resolve.ts";
import type { ModelFacts } from "../model/facts.ts";
import { place } from "../placement/index.ts";
import {
  cheapestThat,
  otherCounts,
  otherFronts,
  otherMachines,
  otherMachinesAndCounts,
  type Proposal,
  range,
  remedyOf,
} from "./candidates.ts";
import { withPoolValues } from "./change.ts";
import { couldHold, type Share } from "./feasible.ts";
import { backendsFit, backendsHoldAll, everythingFits, type Goal, lessContext, plannersSplit } from "./memory.ts";
import type { Remedy } from "./remedy.ts";

/** A change of a cluster of either target, and the cluster after it. */
interface Step extends Pick<Proposal, "change"> {
  cluster: Cluster;
}

/** The cheapest change that makes the model fit; null if none does. */
export function cheapestFitOnAws(cluster: AwsCluster, facts: ModelFacts): Remedy | null {
  const helps = reachesGoal(facts, backendsFit, "with the front");
  // A bigger front computes layers itself, which is slow: only if no change of the backends helps.
  const fronts = cluster.ownSplit === null ? otherFronts(cluster) : [];
  return (
    plannersSplit(cluster, facts, backendsFit) ??
    remedyOf(cheapestThat(poolProposals(cluster), helps), cluster) ??
    remedyOf(cheapestThat(bothProposals(cluster), helps), cluster) ??
    remedyOf(cheapestThat(fronts, helps), cluster) ??
    lessContext(cluster, facts)
  );
}

/** The cheapest change that lets the backends hold every layer; null if none does. */
export function cheapestWithoutFrontLayersOnAws(cluster: AwsCluster, facts: ModelFacts): Remedy | null {
  const helps = reachesGoal(facts, backendsHoldAll, "all");
  return (
    plannersSplit(cluster, facts, backendsHoldAll) ??
    remedyOf(cheapestThat(poolProposals(cluster), helps), cluster) ??
    remedyOf(cheapestThat(bothProposals(cluster), helps), cluster)
  );
}

/**
 * The cheapest front that is big enough. If the backends hold their part, everything must fit with it; otherwise only the
 * front's own part.
 */
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
 * Leaves at most `most` backends: fewer machines, or else machines with fewer GPUs, if the model then fits. If it fits with
 * neither, the same without regard to the model.
 */
export function fewerBackends(cluster: Cluster, facts: ModelFacts, most: number): Remedy | null {
  const surplus = cluster.backends.length - most;
  const fits = reachesGoal(facts, everythingFits, "with the front");
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

/** A pool with another count: of machines on EC2, of containers on the docker target. */
function withCount(cluster: Cluster, { index }: Pool, count: number): Step {
  const { change, config } = withPoolValues(cluster, index, { count });
  return { change, cluster: resolve(config) };
}

/** A lower count as a remedy. Its purpose is not to save money, so it has no price. */
function atMost({ change }: Step): Remedy {
  return { change: { ...change, set: change.set.map((one) => ({ ...one, bound: "at most" })) } };
}

/** A test whether a proposal reaches a goal: a quick estimate first, then a real placement of the model. */
export function reachesGoal(facts: ModelFacts, goal: Goal, share: Share): (proposal: { cluster: Cluster }) => boolean {
  return ({ cluster }) => {
    const placement = couldHold(cluster, facts, share) ? place(cluster, facts) : null;
    return placement !== null && goal(placement);
  };
}

/** Machines that a pool keeps if `surplus` backends are removed from it; 0 or less if it has too few. */
function machinesLeft({ count, backends }: Pool, surplus: number): number {
  return count - Math.ceil(surplus / (backends.length / count));
}

/** The names of the GPUs, in the order of the pools. */
function gpusOf({ pools }: AwsCluster): string {
  return pools.map(({ host }) => host.type.gpu?.name ?? "").join();
}

/** Changes of the machine or of the count of one pool. */
function poolProposals(cluster: AwsCluster): Proposal[] {
  return cluster.pools.flatMap((pool) => [
    ...otherMachines(cluster, pool),
    ...otherCounts(cluster, pool, range(pool.count + 1, MAX_BACKENDS)),
  ]);
}

/** Changes of the machine and the count of one pool. */
function bothProposals(cluster: AwsCluster): Proposal[] {
  return cluster.pools.flatMap((pool) => otherMachinesAndCounts(cluster, pool, range(pool.count + 1, MAX_BACKENDS)));
}
