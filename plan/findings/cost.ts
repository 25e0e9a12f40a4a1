/** Findings about what machines on EC2 cost: fewer or smaller ones that hold the model too, and the user's own limit. */

import type { ClusterConfig } from "../../config/schema/index.ts";
import { memorySize } from "../../config/units.ts";
import { costOf } from "../cost/bill.ts";
import { frontHost, slotsOf } from "../hosts/hosts.ts";
import type { ModelFacts } from "../model/facts.ts";
import { type Placement, place } from "../placement/index.ts";
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
import type { ConfigChange } from "../remedies/change.ts";
import { couldHold } from "../remedies/feasible.ts";
import { evenSpeed, holdsEverything } from "../remedies/speed.ts";
import { machinePlans } from "../resources/containers.ts";
import { deviceSpeed, linkBetween } from "../speed/rates.ts";
import { declared, isWasteful, used } from "./economy.ts";
import type { Check, Situation } from "./situation.ts";

/** A machine counts as no slower than another one if it is slower by less than this: estimates are not that exact. */
const AS_FAST = 0.97;

/** Says where one machine could hold the whole model for less, or else smaller machines. */
const fewerOrSmallerMachines: Check = (situation) => {
  const { config, placement, cost } = situation;
  if (config.aws === undefined || cost === null || !holdsEverything(placement)) return [];
  const one = oneMachineIsEnough(situation);
  return one.length > 0 ? one : machinesAreUsed(situation);
};

const oneMachineIsEnough: Check = ({ config, facts, performance }) => {
  const machines = config.backends.reduce((sum, { count }) => sum + count, 0);
  if (machines === 1 || performance === null) return [];
  const { tokensPerSecond } = performance.speed.decode;
  const found = cheapestAlone(config, facts, tokensPerSecond);
  if (found === null) return [];
  const { proposal, tokensPerSecond: after } = found;
  const type = proposal.config.backends[0]?.machine;
  const saved = slotsOf(config).length - slotsOf(proposal.config).length;
  const basis = hasSpot(config) ? " at on-demand prices" : "";
  const trips = saved < 1 ? "" : ` and each token ${saved === 1 ? "one trip" : `${saved} trips`} over the network`;
  return [
    {
      code: "one-backend-is-enough",
      severity: "advice",
      path: "backends",
      message: `One ${type} holds the whole model: it would save ${usdText(machinesUsd(config) - proposal.usdPerHour)} US dollars per hour${basis}${trips}, and give ${speedText(after)} instead of ${speedText(tokensPerSecond)} tokens per second.`,
      remedy: `Set ${proposal.what}${withoutLayersText(config, proposal.config)}.`,
      change: proposal.change,
    },
  ];
};

/** The cheapest single machine that holds the model for less than is paid now: of those that are as fast, or else of all. */
function cheapestAlone(config: ClusterConfig, facts: ModelFacts, tokensPerSecond: number) {
  const present = machinesUsd(config);
  const alone = onePool(config, [flavourOf(config)], [1])
    .filter((proposal) => proposal.usdPerHour < present && couldHold(proposal.config, facts, "all"))
    .sort((a, b) => Number(b.keepsArchitecture) - Number(a.keepsArchitecture))
    .map((proposal) => ({ proposal, tokensPerSecond: evenSpeed(proposal.config, facts)?.decode.tokensPerSecond ?? 0 }));
  const fast = alone.filter((found) => found.tokensPerSecond >= AS_FAST * tokensPerSecond);
  const holds = ({ proposal }: { proposal: Proposal }) => holdsEverything(place(proposal.config, facts));
  return fast.find(holds) ?? alone.find(holds) ?? null;
}

const machinesAreUsed: Check = ({ config, facts, placement }) => {
  if (!holdsEverything(placement) || !isWasteful(placement)) return [];
  const smaller = smallerMachines(config, facts);
  if (smaller === null || !holdsEverything(place(smaller.config, facts))) return [];
  return [
    {
      code: "memory-unused",
      severity: "advice",
      path: smaller.change.path,
      message: `The backends use ${memorySize(used(placement))} of their ${memorySize(declared(placement))}: even the fullest is more than half empty, and there are machines with less that are as fast.`,
      remedy: sentenceOf(smaller, config).replace(/\.$/, ", or use the room for a longer context."),
      change: smaller.change,
    },
  ];
};

/** Every pool, one after the other, on the cheapest machines that hold everything and are no slower in any respect. */
function smallerMachines(config: ClusterConfig, facts: ModelFacts): Proposal | null {
  const what: string[] = [];
  let changed: Proposal | null = null;
  for (const index of config.backends.keys()) {
    const before: ClusterConfig = changed?.config ?? config;
    const isCheaper = ({ usdPerHour, keepsArchitecture }: Proposal) =>
      keepsArchitecture && usdPerHour < machinesUsd(before);
    const found: Proposal | undefined = otherMachines(before, index)
      .filter((proposal) => isCheaper(proposal) && isNoSlower(proposal.config, before, index))
      .find((proposal) => couldHold(proposal.config, facts, "all"));
    if (found === undefined) continue;
    what.push(found.what);
    const change: ConfigChange = changed === null ? found.change : { path: "backends", value: found.config.backends };
    changed = { ...found, change, what: what.join(" and ") };
  }
  return changed;
}

function isNoSlower(after: ClusterConfig, before: ClusterConfig, index: number): boolean {
  const [now, then] = [before, after].map((config) => poolSpeed(config, index));
  if (now === undefined || then === undefined || slotsOf(after).length > slotsOf(before).length) return false;
  return now.every((rate, which) => (then[which] ?? 0) >= rate);
}

/** Memory, multiplying and network of each backend of a pool, per second. */
function poolSpeed(config: ClusterConfig, index: number): number[] {
  const slot = slotsOf(config).find(({ poolIndex }) => poolIndex === index);
  const front = frontHost(config).type;
  if (slot === undefined || slot.type === null || front === null) return [];
  const link = linkBetween(front, slot.type);
  const { bytesPerSecond, flopsPerSecond } = deviceSpeed(slot.type, link, slot.flavour);
  return [bytesPerSecond, flopsPerSecond, link.bytesPerSecond];
}

/** Says where the cluster costs more per hour than its owner allows. */
const costIsWithinLimit: Check = (situation) => {
  const { config, cost } = situation;
  const limit = config.limits.maxHourlyUsd;
  if (config.aws === undefined || cost === null || limit === undefined || cost.usdPerHour.high <= limit) return [];
  const usd = cost.usdPerHour.high;
  const cheaper = fastestWithin(situation, usd, limit);
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
          : `${sentenceOf(cheaper, config)} Or set limits.maxHourlyUsd to at least ${raised}.`,
      change: cheaper?.change ?? { path: "limits.maxHourlyUsd", value: raised },
    },
  ];
};

/** Says where a month costs more than its owner allows. */
const monthIsWithinLimit: Check = ({ config, cost }) => {
  const limit = config.limits.maxMonthlyUsd;
  if (cost === null || limit === undefined || cost.usdPerMonth.high <= limit) return [];
  const path = "limits.maxMonthlyUsd";
  const raised = Math.ceil(cost.usdPerMonth.high);
  const rest =
    config.limits.schedule === undefined ? "let the machines rest with limits.schedule" : "shorten limits.schedule";
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
function fastestWithin({ config, facts, placement }: Situation, usd: number, limit: number): Proposal | null {
  const room = limit - usd + machinesUsd(config);
  const isWhole = holdsEverything(placement);
  const isWithin = ({ config: changed }: Proposal) => {
    const after = couldHold(changed, facts, isWhole ? "all" : "with the front") ? place(changed, facts) : null;
    const fits = isWhole ? holdsEverything(after) : after?.fits === true;
    return fits && hourlyUsd(changed, facts, after) <= limit;
  };
  const proposals = [
    ...config.backends.flatMap((pool, index) => [
      ...otherMachines(config, index),
      ...otherCounts(config, index, numbers(1, pool.count - 1)),
    ]),
    ...otherFronts(config),
    ...onePool(config, [flavourOf(config)], [1]),
  ].filter(({ usdPerHour }) => usdPerHour <= room);
  return (
    proposals
      .map((proposal) => ({ proposal, ...roughSpeed(proposal.config) }))
      .sort(
        (a, b) => a.seconds - b.seconds || b.linkBytes - a.linkBytes || a.proposal.usdPerHour - b.proposal.usdPerHour,
      )
      .find(({ proposal }) => isWithin(proposal))?.proposal ?? null
  );
}

/** Goes with the time that a token takes: what devices need for a byte, weighed by what they can hold; and their links. */
function roughSpeed(config: ClusterConfig): { seconds: number; linkBytes: number } {
  const front = frontHost(config).type;
  const devices = slotsOf(config).flatMap(({ type, flavour, capacityBytes }) => {
    if (type === null || front === null) return [];
    const link = linkBetween(front, type);
    return [{ bytes: capacityBytes, seconds: capacityBytes / deviceSpeed(type, link, flavour).bytesPerSecond, link }];
  });
  const sum = (part: "bytes" | "seconds") => devices.reduce((all, device) => all + device[part], 0);
  const linkBytes = Math.min(...devices.map(({ link }) => link.bytesPerSecond));
  return { seconds: sum("seconds") / sum("bytes"), linkBytes };
}

/** What the plan would say of it; where machines are in the network changes no price. */
function hourlyUsd(config: ClusterConfig, facts: ModelFacts, placement: Placement | null): number {
  const machines = machinePlans({ config, facts, placement, cidr: "10.0.0.0/24", ownMachine: "amd64" });
  return costOf(config, facts, machines, null)?.usdPerHour.high ?? Number.POSITIVE_INFINITY;
}
