/** What would help on EC2: the change with the lowest price, found among the types that the region sells and tried. */

import { MAX_BACKENDS } from "../../config/bounds.ts";
import type { ClusterConfig, PoolConfig } from "../../config/schema/index.ts";
import { frontHost, poolHost, slotsOf } from "../hosts/hosts.ts";
import type { ModelFacts } from "../model/facts.ts";
import { ownSplit, place } from "../placement/index.ts";
import {
  backendsOf,
  cheapestThat,
  numbers,
  otherCounts,
  otherFronts,
  otherMachines,
  otherMachinesAndCounts,
  type Proposal,
  sentenceOf,
  withoutLayersText,
} from "./candidates.ts";
import { couldHold, type Share } from "./feasible.ts";
import {
  backendsFit,
  backendsHoldAll,
  everythingFits,
  type Goal,
  lessContext,
  plannersSplit,
  type Remedy,
} from "./memory.ts";

/** What makes the model fit at the least price; null if nothing does. */
export function cheapestFitOnAws(config: ClusterConfig, facts: ModelFacts): Remedy | null {
  const helps = reaches(facts, backendsFit, "with the front");
  // Layers on the front are a way out, not a cluster.
  const fronts = ownSplit(config) === null ? otherFronts(config) : [];
  return (
    plannersSplit(config, facts, backendsFit) ??
    remedyOf(cheapestThat(poolProposals(config), helps), config) ??
    remedyOf(cheapestThat(bothProposals(config), helps), config) ??
    remedyOf(cheapestThat(fronts, helps), config) ??
    lessContext(config, facts)
  );
}

/** What lets the backends hold every layer at the least price. */
export function cheapestWithoutFrontLayersOnAws(config: ClusterConfig, facts: ModelFacts): Remedy | null {
  const helps = reaches(facts, backendsHoldAll, "all");
  return (
    plannersSplit(config, facts, backendsHoldAll) ??
    remedyOf(cheapestThat(poolProposals(config), helps), config) ??
    remedyOf(cheapestThat(bothProposals(config), helps), config)
  );
}

/** The cheapest front that is big enough: for everything where the backends can hold their part, else for its own. */
export function cheapestFront(config: ClusterConfig, facts: ModelFacts): Remedy | null {
  const present = place(config, facts);
  const ownPartFits: Goal = ({ front }) => front.totalBytes <= front.capacityBytes;
  const goal = present !== null && backendsFit(present) ? everythingFits : ownPartFits;
  const helps = ({ config: changed }: Proposal) => {
    const isBigEnough = frontHost(changed).capacityBytes >= (present?.front.totalBytes ?? 0);
    const placement = isBigEnough ? place(changed, facts) : null;
    return placement !== null && goal(placement);
  };
  return remedyOf(cheapestThat(otherFronts(config), helps), config);
}

/**
 * What leaves at most so many backends: fewer machines, or else machines with fewer GPUs, if the model then fits; where it
 * fits with neither, the same without the model.
 */
export function fewerBackends(config: ClusterConfig, facts: ModelFacts, most: number): Remedy | null {
  const surplus = slotsOf(config).length - most;
  const fits = reaches(facts, everythingFits, "with the front");
  const fewer = config.backends.flatMap((pool, index) => {
    const count = machinesLeft(pool, surplus);
    return count < 1 ? [] : otherCounts(config, index, [count]);
  });
  const fitting = fewer.find(fits);
  if (fitting !== undefined) return atMost(fitting, config);
  const smaller = config.backends
    .flatMap((_, index) => otherMachines(config, index))
    .filter((proposal) => slotsOf(proposal.config).length <= most);
  const sameGpus = smaller.filter((proposal) => gpusOf(proposal.config) === gpusOf(config));
  const found = cheapestThat(sameGpus, fits) ?? cheapestThat(smaller, fits);
  const [first] = fewer;
  if (found === null && first !== undefined) return atMost(first, config);
  return remedyOf(found ?? cheapestThat(smaller, () => true), config);
}

/** A lower count as a remedy: what it saves is not what it is for. */
function atMost({ change, config: changed, what }: Proposal, config: ClusterConfig): Remedy {
  const lower = what.replace(/ to (\d+)/, " to at most $1");
  return { change, sentence: `Set ${lower}${withoutLayersText(config, changed)}.` };
}

/** Whether a proposal reaches a goal: the quick answer first, then by placing the model. */
export function reaches(facts: ModelFacts, goal: Goal, share: Share): (proposal: Proposal) => boolean {
  return ({ config }) => {
    const placement = couldHold(config, facts, share) ? place(config, facts) : null;
    return placement !== null && goal(placement);
  };
}

/** A proposal as a remedy. */
export function remedyOf(proposal: Proposal | null, config: ClusterConfig): Remedy | null {
  return proposal === null ? null : { change: proposal.change, sentence: sentenceOf(proposal, config) };
}

/** Machines that a pool keeps when so many backends go; 0 or less if it has too few. */
function machinesLeft(pool: PoolConfig, surplus: number): number {
  return pool.count - Math.ceil(surplus / (backendsOf(pool) / pool.count));
}

/** Kinds of GPU in the order of the pools. */
function gpusOf({ backends }: ClusterConfig): string {
  return backends.map((pool) => poolHost(pool).type?.gpu?.name ?? "").join();
}

/** One value of one pool. */
function poolProposals(config: ClusterConfig): Proposal[] {
  return config.backends.flatMap((pool, index) => [
    ...otherMachines(config, index),
    ...otherCounts(config, index, numbers(pool.count + 1, MAX_BACKENDS)),
  ]);
}

/** Machine and number of one pool. */
function bothProposals(config: ClusterConfig): Proposal[] {
  return config.backends.flatMap((pool, index) =>
    otherMachinesAndCounts(config, index, numbers(pool.count + 1, MAX_BACKENDS)),
  );
}
