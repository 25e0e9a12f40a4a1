/** Findings about what machines on EC2 cost: fewer or smaller ones that hold the model too, and the user's own limit. */

import { at } from "../../config/collections.ts";
import { memorySize } from "../../config/units.ts";
import { costOf } from "../cost/bill.ts";
import type { AwsCluster } from "../hosts/cluster.ts";
import type { ModelFacts } from "../model/facts.ts";
import { place } from "../placement/index.ts";
import {
  flavourOf,
  hasSpot,
  machinesUsd,
  numbers,
  onePool,
  otherCounts,
  otherFronts,
  otherMachines,
  type Proposal,
  sentenceOf,
  speedText,
  usdText,
  withoutLayersText,
} from "../remedies/candidates.ts";
import { allPools, type ConfigChange } from "../remedies/change.ts";
import { couldHold } from "../remedies/feasible.ts";
import { evenSpeed, holdsEverything } from "../remedies/speed.ts";
import { machineOrders } from "../resources/machines.ts";
import { deviceSpeed, linkBetween } from "../speed/rates.ts";
import { declared, isWasteful, used } from "./economy.ts";
import type { Check, Observation, Situation } from "./situation.ts";

type AwsSituation = Situation & { cluster: AwsCluster };

/** A machine counts as no slower than another one if it is slower by less than this: estimates are not that exact. */
const AS_FAST = 0.97;

/** Says where one machine could hold the whole model for less, or else smaller machines. */
const fewerOrSmallerMachines: Check = (situation) => {
  const { cluster, placement, cost } = situation;
  if (cluster.target === "docker" || cost === null || !holdsEverything(placement)) return [];
  const one = oneMachineIsEnough({ ...situation, cluster });
  return one.length > 0 ? one : machinesAreUsed({ ...situation, cluster });
};

const oneMachineIsEnough = ({ cluster, facts, performance }: AwsSituation): Observation[] => {
  if (cluster.machines.length === 1 || performance === null) return [];
  const { tokensPerSecond } = performance.speed.decode;
  const found = cheapestAlone(cluster, facts, tokensPerSecond);
  if (found === null) return [];
  const { proposal, tokensPerSecond: after } = found;
  const type = proposal.cluster.pools[0]?.host.type.name;
  const saved = cluster.backends.length - proposal.cluster.backends.length;
  const basis = hasSpot(cluster) ? " at on-demand prices" : "";
  const trips = saved < 1 ? "" : ` and each token ${saved === 1 ? "one trip" : `${saved} trips`} over the network`;
  return [
    {
      code: "one-backend-is-enough",
      severity: "advice",
      path: "backends",
      message: `One ${type} holds the whole model: it would save ${usdText(machinesUsd(cluster) - proposal.usdPerHour)} US dollars per hour${basis}${trips}, and give ${speedText(after)} instead of ${speedText(tokensPerSecond)} tokens per second.`,
      remedy: `Set ${proposal.what}${withoutLayersText(cluster, proposal.cluster)}.`,
      change: proposal.change,
    },
  ];
};

/** The cheapest single machine that holds the model for less than is paid now: of those that are as fast, or else of all. */
function cheapestAlone(cluster: AwsCluster, facts: ModelFacts, tokensPerSecond: number) {
  const present = machinesUsd(cluster);
  const alone = onePool(cluster, [flavourOf(cluster)], [1])
    .filter((proposal) => proposal.usdPerHour < present && couldHold(proposal.cluster, facts, "all"))
    .sort((a, b) => Number(b.keepsArchitecture) - Number(a.keepsArchitecture))
    .map((proposal) => ({ proposal, tokensPerSecond: evenSpeed(proposal.cluster, facts).decode.tokensPerSecond }));
  const fast = alone.filter((found) => found.tokensPerSecond >= AS_FAST * tokensPerSecond);
  const holds = ({ proposal }: { proposal: Proposal }) => holdsEverything(place(proposal.cluster, facts));
  return fast.find(holds) ?? alone.find(holds) ?? null;
}

const machinesAreUsed = ({ cluster, facts, placement }: AwsSituation): Observation[] => {
  if (!holdsEverything(placement) || !isWasteful(placement)) return [];
  const smaller = smallerMachines(cluster, facts);
  if (smaller === null || !holdsEverything(place(smaller.cluster, facts))) return [];
  return [
    {
      code: "memory-unused",
      severity: "advice",
      path: smaller.change.path,
      message: `The backends use ${memorySize(used(placement))} of their ${memorySize(declared(placement))}: even the fullest is more than half empty, and there are machines with less that are as fast.`,
      remedy: sentenceOf(smaller, cluster).replace(/\.$/, ", or use the room for a longer context."),
      change: smaller.change,
    },
  ];
};

/** Every pool, one after the other, on the cheapest machines that hold everything and are no slower in any respect. */
function smallerMachines(cluster: AwsCluster, facts: ModelFacts): Proposal | null {
  const what: string[] = [];
  let changed: Proposal | null = null;
  for (const index of cluster.pools.keys()) {
    const before: AwsCluster = changed?.cluster ?? cluster;
    const isCheaper = ({ usdPerHour, keepsArchitecture }: Proposal) =>
      keepsArchitecture && usdPerHour < machinesUsd(before);
    const found: Proposal | undefined = otherMachines(before, at(before.pools, index))
      .filter((proposal) => isCheaper(proposal) && isNoSlower(proposal.cluster, before, index))
      .find((proposal) => couldHold(proposal.cluster, facts, "all"));
    if (found === undefined) continue;
    what.push(found.what);
    const change: ConfigChange = changed === null ? found.change : allPools(found.cluster);
    changed = { ...found, change, what: what.join(" and ") };
  }
  return changed;
}

function isNoSlower(after: AwsCluster, before: AwsCluster, index: number): boolean {
  if (after.backends.length > before.backends.length) return false;
  const then = poolSpeed(after, index);
  return poolSpeed(before, index).every((rate, which) => at(then, which) >= rate);
}

/** Memory, multiplying and network of each backend of a pool, per second. */
function poolSpeed({ front, pools }: AwsCluster, index: number): number[] {
  const { type, flavour } = at(pools, index).host;
  const link = linkBetween(front.type, type);
  const { bytesPerSecond, flopsPerSecond } = deviceSpeed(type, link, flavour);
  return [bytesPerSecond, flopsPerSecond, link.bytesPerSecond];
}

/** Says where the cluster costs more per hour than its owner allows. */
const costIsWithinLimit: Check = (situation) => {
  const { cluster, cost } = situation;
  const limit = cluster.limits.maxHourlyUsd;
  if (cluster.target === "docker" || cost === null || limit === null || cost.usdPerHour.high <= limit) return [];
  const usd = cost.usdPerHour.high;
  const cheaper = fastestWithin({ ...situation, cluster }, usd, limit);
  const raised = Math.ceil(usd * 100) / 100;
  return [
    {
      code: "hourly-cost-above-limit",
      severity: "error",
      path: cheaper?.change.path ?? "limits.maxHourlyUsd",
      message: `The cluster costs up to ${usdText(raised)} US dollars per hour, and limits.maxHourlyUsd is ${limit}. Spot machines count with their on-demand price, which is the most they cost: market spot changes nothing about it.`,
      remedy:
        cheaper === null
          ? `Set limits.maxHourlyUsd to at least ${raised}: nothing within the limit holds the model with one change.`
          : `${sentenceOf(cheaper, cluster)} Or set limits.maxHourlyUsd to at least ${raised}.`,
      change: cheaper?.change ?? { path: "limits.maxHourlyUsd", value: raised },
    },
  ];
};

/** Says where a month costs more than its owner allows. */
const monthIsWithinLimit: Check = ({ cluster: { limits }, cost }) => {
  const limit = limits.maxMonthlyUsd;
  if (cost === null || limit === null || cost.usdPerMonth.high <= limit) return [];
  const path = "limits.maxMonthlyUsd";
  const raised = Math.ceil(cost.usdPerMonth.high);
  const rest = limits.schedule === null ? "let the machines rest with limits.schedule" : "shorten limits.schedule";
  return [
    {
      code: "monthly-cost-above-limit",
      severity: "error",
      path,
      message: `A month costs up to ${usdText(raised)} US dollars, and ${path} is ${limit}.`,
      remedy: `Set ${path} to at least ${raised}, ${rest}, or choose smaller machines: \`npm run advise\` proposes some.`,
      change: { path, value: raised },
    },
  ];
};

/** All that is about costs. */
export const COST_CHECKS: readonly Check[] = [fewerOrSmallerMachines, costIsWithinLimit, monthIsWithinLimit];

/** The change that keeps most of the speed of all that hold the model within the limit. */
function fastestWithin({ cluster, facts, placement }: AwsSituation, usd: number, limit: number): Proposal | null {
  const room = limit - usd + machinesUsd(cluster);
  const isWhole = holdsEverything(placement);
  const isWithin = ({ cluster: changed }: Proposal) => {
    const after = couldHold(changed, facts, isWhole ? "all" : "with the front") ? place(changed, facts) : null;
    const fits = isWhole ? holdsEverything(after) : after?.fits === true;
    return fits && hourlyUsd(changed, facts) <= limit;
  };
  const proposals = [
    ...cluster.pools.flatMap((pool) => [
      ...otherMachines(cluster, pool),
      ...otherCounts(cluster, pool, numbers(1, pool.count - 1)),
    ]),
    ...otherFronts(cluster),
    ...onePool(cluster, [flavourOf(cluster)], [1]),
  ].filter(({ usdPerHour }) => usdPerHour <= room);
  return (
    proposals
      .map((proposal) => ({ proposal, ...roughSpeed(proposal.cluster) }))
      .sort(
        (a, b) => a.seconds - b.seconds || b.linkBytes - a.linkBytes || a.proposal.usdPerHour - b.proposal.usdPerHour,
      )
      .find(({ proposal }) => isWithin(proposal))?.proposal ?? null
  );
}

/** Goes with the time that a token takes: what devices need for a byte, weighed by what they can hold; and their links. */
function roughSpeed({ front, backends }: AwsCluster): { seconds: number; linkBytes: number } {
  const devices = backends.map(({ type, flavour, capacityBytes }) => {
    const link = linkBetween(front.type, type);
    return { bytes: capacityBytes, seconds: capacityBytes / deviceSpeed(type, link, flavour).bytesPerSecond, link };
  });
  const sum = (part: "bytes" | "seconds") => devices.reduce((all, device) => all + device[part], 0);
  const linkBytes = Math.min(...devices.map(({ link }) => link.bytesPerSecond));
  return { seconds: sum("seconds") / sum("bytes"), linkBytes };
}

/** What the plan would say of it. */
function hourlyUsd(cluster: AwsCluster, facts: ModelFacts): number {
  return costOf(cluster, facts, machineOrders(cluster, facts), null)?.usdPerHour.high ?? Number.POSITIVE_INFINITY;
}
