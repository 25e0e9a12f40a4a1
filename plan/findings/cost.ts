/** Findings about the costs of machines on EC2: fewer or smaller ones that hold the model too, and the user's limits. */

import { at } from "../../config/collections.ts";
import { memorySize } from "../../config/units.ts";
import { costOf } from "../cost/bill.ts";
import { usdText } from "../cost/prices.ts";
import type { AwsCluster } from "../hosts/cluster.ts";
import type { ModelFacts } from "../model/facts.ts";
import { place } from "../placement/index.ts";
import {
  flavourOf,
  hasSpot,
  machinesUsd,
  onePool,
  otherCounts,
  otherFronts,
  otherMachines,
  type Proposal,
  range,
  remedyOf,
  speedText,
} from "../remedies/candidates.ts";
import { bothChanges, setting } from "../remedies/change.ts";
import { couldHold } from "../remedies/feasible.ts";
import { evenSpeed, holdsEverything } from "../remedies/speed.ts";
import { machineOrders } from "../resources/machines.ts";
import { deviceSpeed, linkBetween } from "../speed/rates.ts";
import { declared, isWasteful, LONGER_CONTEXT, used } from "./economy.ts";
import type { Observation } from "./finding.ts";
import type { Check, Situation } from "./situation.ts";

type AwsSituation = Situation & { cluster: AwsCluster };

/** A machine counts as equally fast from this part of another one's speed: estimates are not more exact. */
const AS_FAST = 0.97;

/** Reports if one machine can hold the whole model for less, or else if smaller machines can. */
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
      message: `One ${type} can hold the whole model: it would save ${usdText(machinesUsd(cluster) - proposal.usdPerHour)} US dollars per hour${basis}${trips}, and generate ${speedText(after)} instead of ${speedText(tokensPerSecond)} tokens per second.`,
      // The message has the price.
      remedy: { change: proposal.change },
    },
  ];
};

/** The cheapest single machine that holds the model for less than all machines cost: of those as fast, or else of all. */
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
      message: `The backends use ${memorySize(used(placement))} of their ${memorySize(declared(placement))}: even the fullest is more than half empty, and machines with less memory are as fast.`,
      remedy: { ...remedyOf(smaller, cluster), or: [LONGER_CONTEXT] },
    },
  ];
};

/** Each pool in turn on the cheapest machines that hold everything and are no slower in memory, compute or network. */
function smallerMachines(cluster: AwsCluster, facts: ModelFacts): Proposal | null {
  let changed: Proposal | null = null;
  for (const index of cluster.pools.keys()) {
    const before: AwsCluster = changed?.cluster ?? cluster;
    const isCheaper = ({ usdPerHour, keepsArchitecture }: Proposal) =>
      keepsArchitecture && usdPerHour < machinesUsd(before);
    const found: Proposal | undefined = otherMachines(before, at(before.pools, index))
      .filter((proposal) => isCheaper(proposal) && isNoSlower(proposal.cluster, before, index))
      .find((proposal) => couldHold(proposal.cluster, facts, "all"));
    if (found === undefined) continue;
    changed = changed === null ? found : { ...found, change: bothChanges(changed.change, found.change) };
  }
  return changed;
}

function isNoSlower(after: AwsCluster, before: AwsCluster, index: number): boolean {
  if (after.backends.length > before.backends.length) return false;
  const then = poolSpeed(after, index);
  return poolSpeed(before, index).every((rate, which) => at(then, which) >= rate);
}

/** Memory bandwidth, compute and network of each backend of a pool, per second. */
function poolSpeed({ front, pools }: AwsCluster, index: number): number[] {
  const { type, flavour } = at(pools, index).host;
  const link = linkBetween(front.type, type);
  const { bytesPerSecond, flopsPerSecond } = deviceSpeed(type, link, flavour);
  return [bytesPerSecond, flopsPerSecond, link.bytesPerSecond];
}

/** Reports if the cluster costs more per hour than its owner allows. */
const costIsWithinLimit: Check = (situation) => {
  const { cluster, cost } = situation;
  const limit = cluster.limits.maxHourlyUsd;
  if (cluster.target === "docker" || cost === null || limit === null || cost.usdPerHour.high <= limit) return [];
  const usd = cost.usdPerHour.high;
  const enough = Math.ceil(usd * 100) / 100;
  const remedy = remedyOf(fastestWithin({ ...situation, cluster }, usd, limit), cluster);
  const raised = setting("limits.maxHourlyUsd", enough, "at least");
  return [
    {
      code: "hourly-cost-above-limit",
      severity: "error",
      message: `The cluster costs up to ${usdText(enough)} US dollars per hour, but limits.maxHourlyUsd is ${limit}. Spot machines count with their on-demand price, because they never cost more: market spot does not help.`,
      remedy:
        remedy === null
          ? { change: raised, note: "No cluster within the limit holds the model after one change." }
          : { ...remedy, or: [{ change: raised }] },
    },
  ];
};

/** Reports if a month costs more than its owner allows. */
const monthIsWithinLimit: Check = ({ cluster: { limits }, cost }) => {
  const limit = limits.maxMonthlyUsd;
  if (cost === null || limit === null || cost.usdPerMonth.high <= limit) return [];
  const path = "limits.maxMonthlyUsd";
  const raised = Math.ceil(cost.usdPerMonth.high);
  const rest = limits.schedule === null ? "stop the machines at times with limits.schedule" : "shorten limits.schedule";
  return [
    {
      code: "monthly-cost-above-limit",
      severity: "error",
      message: `A month costs up to ${usdText(raised)} US dollars, but ${path} is ${limit}.`,
      remedy: {
        change: setting(path, raised, "at least"),
        or: [{ action: rest }, { action: "choose smaller machines", note: "`npm run advise` proposes some." }],
      },
    },
  ];
};

/** Checks of costs. */
export const COST_CHECKS: readonly Check[] = [fewerOrSmallerMachines, costIsWithinLimit, monthIsWithinLimit];

/** The change that keeps the most speed, of those with which the model fits and the price is within the limit. */
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
      ...otherCounts(cluster, pool, range(1, pool.count - 1)),
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

/** Rough measure of a token's time: what the devices need for a byte, weighted by their memory; and the slowest link. */
function roughSpeed({ front, backends }: AwsCluster): { seconds: number; linkBytes: number } {
  const devices = backends.map(({ type, flavour, capacityBytes }) => {
    const link = linkBetween(front.type, type);
    return { bytes: capacityBytes, seconds: capacityBytes / deviceSpeed(type, link, flavour).bytesPerSecond, link };
  });
  const sum = (part: "bytes" | "seconds") => devices.reduce((all, device) => all + device[part], 0);
  const linkBytes = Math.min(...devices.map(({ link }) => link.bytesPerSecond));
  return { seconds: sum("seconds") / sum("bytes"), linkBytes };
}

/** US dollars per hour at most, as the plan of the cluster has it. */
function hourlyUsd(cluster: AwsCluster, facts: ModelFacts): number {
  return costOf(cluster, facts, machineOrders(cluster, facts), null)?.usdPerHour.high ?? Number.POSITIVE_INFINITY;
}
