/** Findings about the account: its quotas, zones, spot prices, reservations and existing network. */

import { networkOf } from "../../config/cidr.ts";
import { at } from "../../config/collections.ts";
import { usdText } from "../cost/prices.ts";
import { FINDING_NUMBERS } from "../findings/codes.ts";
import { errorsFirst, type Finding, findingsFrom, type Observation } from "../findings/finding.ts";
import type { ClusterPlan } from "../plan.ts";
import { setting } from "../remedies/change.ts";
import { listed, type Remedy } from "../remedies/remedy.ts";
import type { MachinePlan } from "../resources/plans.ts";
import { rented } from "../resources/rented.ts";
import {
  type AccountFacts,
  availabilityZoneFor,
  requestedZone,
  type SubnetFacts,
  typesOf,
  vcpusOf,
  wholeZones,
} from "./facts.ts";

/** The input of the checks. */
interface AccountSituation {
  plan: ClusterPlan;
  facts: AccountFacts;
  /** Zone that the machines will be in; null if no zone is suitable, or it is not known. */
  zone: string | null;
}

/** Looks for one kind of finding. */
type AccountCheck = (situation: AccountSituation) => Observation[];

/** EC2 may take a spot machine away at any time, so it should cost this part less than an on-demand one: an assumption. */
const LEAST_SAVING = 0.15;

const quotasAreRaised: AccountCheck = ({ plan, facts }) =>
  [...vcpusOf(plan)].flatMap(([code, vcpus]): Observation[] => {
    const quota = facts.quotas[code];
    const used = facts.usedVcpus?.[code] ?? 0;
    if (quota === undefined || vcpus + used <= quota) return [];
    const taken = used === 0 ? "" : `, of which other machines use ${used}`;
    const options = `--region ${facts.region} --service-code ec2 --quota-code ${code} --desired-value ${vcpus + used}`;
    return [
      {
        code: "quota-too-small",
        severity: "error",
        message: `The machines need ${vcpus} vCPUs of ${code}, but the account may run only ${quota} in ${facts.region}${taken}.`,
        remedy: {
          action: `request ${vcpus + used} with \`aws service-quotas request-service-quota-increase ${options}\``,
          or: [{ action: `request them in the console under Service Quotas, Amazon EC2, ${code}` }],
        },
      },
    ];
  });

const someZoneOffersAll: AccountCheck = ({ plan, facts }) => {
  if (isChosen(plan) || facts.zones === null || wholeZones(plan, facts).length > 0) return [];
  const lacking = facts.zones
    .map(({ name, types }) => ({ name, missing: typesOf(plan).filter((type) => !types.includes(type)) }))
    .sort((a, b) => a.missing.length - b.missing.length || (a.name < b.name ? -1 : 1));
  const [nearest] = lacking;
  const missingTypes = lacking.map(({ name, missing }) => `${name} lacks ${listed(missing)}`);
  const anotherRegion: Remedy = { action: "choose another aws.region" };
  return [
    {
      code: "no-zone-offers-all",
      severity: "error",
      message: `No availability zone of ${facts.region} offers every machine of the cluster: ${missingTypes.join("; ") || "the account can use none"}.`,
      remedy:
        nearest === undefined
          ? anotherRegion
          : {
              action: `choose another type in place of ${listed(nearest.missing)}, one that ${nearest.name} offers`,
              note: `\`aws ec2 describe-instance-type-offerings --region ${facts.region} --location-type availability-zone --filters Name=location,Values=${nearest.name}\` lists them.`,
              or: [anotherRegion],
            },
    },
  ];
};

const chosenZoneOffersAll: AccountCheck = ({ plan, facts }) => {
  const zone = requestedZone(plan, facts);
  if (zone === null || facts.zones === null) return [];
  const found = facts.zones.find(({ name }) => name === zone);
  const missing = typesOf(plan).filter((type) => found?.types.includes(type) !== true);
  if (found !== undefined && missing.length === 0) return [];
  const whole = wholeZones(plan, facts).map(({ name }) => name);
  const message =
    found === undefined
      ? `The account can't use ${zone} as an availability zone of ${facts.region}.`
      : `Availability zone ${zone} does not offer ${listed(missing)}.`;
  const [other] = whole;
  const otherTypes: Remedy = { action: `choose other machines in place of ${listed(missing)}` };
  if (plan.aws?.availabilityZone === null && plan.aws.network.kind === "own") {
    const path = poolsOf(plan).find(({ machine }) => machine.reservation !== null)?.path;
    return [
      {
        code: "zone-lacks-type",
        severity: "error",
        path: `${path ?? "backends[0]"}.reservation`,
        message,
        remedy: { ...otherTypes, or: [{ action: "choose another reservation" }] },
      },
    ];
  }
  if (plan.aws?.availabilityZone === null) {
    const remedy = other === undefined ? otherTypes : { action: `name a subnet in ${whole.join(" or ")}` };
    return [{ code: "zone-lacks-type", severity: "error", path: "aws.network.subnetId", message, remedy }];
  }
  const path = "aws.availabilityZone";
  return [
    {
      code: "zone-lacks-type",
      severity: "error",
      path,
      message,
      remedy:
        other === undefined
          ? { ...otherTypes, note: "No other zone offers all of them." }
          : { change: setting(path, other), or: [{ action: `leave ${path} out` }] },
    },
  ];
};

const spotSaves: AccountCheck = ({ plan, facts, zone }) => {
  const here = facts.zones?.find(({ name }) => name === zone);
  if (here === undefined) return [];
  return poolsOf(plan).flatMap(({ path: pool, machine: { type, market, usdPerHour } }): Observation[] => {
    if (market !== "spot" || usdPerHour === null) return [];
    // A spot machine never costs more than an on-demand one.
    const onDemand = usdPerHour.high;
    const isPoor = (usd: number | undefined) => usd === undefined || usd > onDemand * (1 - LEAST_SAVING);
    const usd = here.spotUsdPerHour[type];
    if (!isPoor(usd)) return [];
    const cheaper = wholeZones(plan, facts)
      .filter(({ spotUsdPerHour }) => !isPoor(spotUsdPerHour[type]))
      .sort((a, b) => (a.spotUsdPerHour[type] ?? 0) - (b.spotUsdPerHour[type] ?? 0))[0];
    const isFree = plan.aws?.network.kind === "own" && facts.presentZone === null;
    const cheaperUsd = cheaper?.spotUsdPerHour[type];
    const elsewhere: Remedy[] =
      cheaper === undefined || cheaperUsd === undefined || !isFree
        ? []
        : [
            {
              change: setting("aws.availabilityZone", cheaper.name),
              note: `Spot machines cost ${usdText(cheaperUsd)} US dollars per hour there.`,
            },
          ];
    const price = usd === undefined ? "are not available" : `cost ${usdText(usd)} US dollars per hour`;
    return [
      {
        code: "spot-saves-little",
        severity: "advice",
        message: `Spot machines of ${type} ${price} in ${here.name} now. On demand they cost ${usdText(onDemand)} US dollars per hour, and EC2 takes none of them away.`,
        remedy: {
          change: setting(`${pool}.market`, "on-demand"),
          ...(elsewhere.length === 0 ? {} : { or: elsewhere }),
        },
      },
    ];
  });
};

const networkIsThere: AccountCheck = ({ plan, facts: { subnets, region } }) => {
  const network = plan.aws?.network;
  if (network?.kind !== "existing" || subnets === null) return [];
  const named = [
    { path: "aws.network.subnetId", id: network.subnetId },
    ...network.publicSubnetIds.map((id, index) => ({ path: `aws.network.publicSubnetIds[${index}]`, id })),
  ];
  const wrong: Wrong = (path, message, action, ...others) => ({
    code: "network-unsuitable",
    severity: "error",
    path,
    message,
    remedy: { action, ...(others.length === 0 ? {} : { or: others.map((other) => ({ action: other })) }) },
  });
  const lost = named.flatMap(({ path, id }): Observation[] => {
    const subnet = subnets[id];
    if (subnet === null || subnet === undefined)
      return [
        wrong(
          path,
          `There is no subnet ${id} in ${region}.`,
          "name a subnet of the VPC",
          "use another aws.region or another account",
        ),
      ];
    if (subnet.vpcId === network.vpcId) return [];
    return [wrong(path, `${id} is a subnet of ${subnet.vpcId}, not of ${network.vpcId}.`, "name a subnet of the VPC")];
  });
  const zones = new Set(network.publicSubnetIds.flatMap((id) => subnets[id]?.zone ?? []));
  const isOneZone = zones.size === 1 && lost.length === 0;
  const subnet = subnets[network.subnetId];
  return [
    ...lost,
    ...(isOneZone
      ? [
          wrong(
            "aws.network.publicSubnetIds",
            `The public subnets are all in ${[...zones].join()}, but a load balancer needs two zones.`,
            "name a subnet in another zone",
          ),
        ]
      : []),
    ...(subnet === null || subnet === undefined ? [] : addressesAreFree(plan, subnet, network.subnetId, wrong)),
  ];
};

/** Makes a finding of a path, the message, and one or more actions. Each action helps by itself. */
type Wrong = (path: string, message: string, ...actions: [string, ...string[]]) => Observation;

function addressesAreFree(
  { network, front, machines }: ClusterPlan,
  subnet: SubnetFacts,
  id: string,
  wrong: Wrong,
): Observation[] {
  const path = "access.privateCidr";
  const [whole, part] = [networkOf(subnet.cidr), networkOf(network.cidr)];
  if (part.base < whole.base || part.base + part.size > whole.base + whole.size) {
    const message = `The cluster's network ${network.cidr} is not inside ${id}, which has ${subnet.cidr}.`;
    return [wrong(path, message, `set ${path} to a part of ${subnet.cidr} that nothing else uses`)];
  }
  const planned = new Set([front.address, ...machines.map(({ address }) => address)]);
  const taken = subnet.takenAddresses.filter((address) => planned.has(address));
  if (taken.length === 0) return [];
  const [verb, what] = taken.length === 1 ? ["is", "Address"] : ["are", "Addresses"];
  const message = `${what} ${listed(taken)} of ${id} ${verb} already in use.`;
  return [wrong(path, message, `set ${path} to another part of ${subnet.cidr}`)];
}

/** The plan's pools: the path of each in the stack file, and one of its machines. */
function poolsOf(plan: ClusterPlan): { path: string; machine: MachinePlan; count: number }[] {
  const byPool = Map.groupBy(rented(plan)?.others ?? [], ({ machine }) => machine.pool);
  return [...byPool.values()].map((all, index) => ({
    path: `backends[${index}]`,
    machine: at(all, 0).machine,
    count: all.length,
  }));
}

/** Whether the stack file decides the zone: by name, by subnet or by reservation. */
function isChosen({ aws, machines }: ClusterPlan): boolean {
  const isReserved = machines.some(({ reservation }) => reservation !== null);
  return aws !== null && (aws.availabilityZone !== null || aws.network.kind === "existing" || isReserved);
}

const reservationsHold: AccountCheck = ({ plan, facts, zone }) => {
  const { reservations, region } = facts;
  if (reservations === null) return [];
  const pools = poolsOf(plan);
  return pools.flatMap(({ path, machine: { type, reservation: id } }): Observation[] => {
    if (id === null) return [];
    const wrong = (message: string, remedy: Remedy): Observation[] => [
      { code: "reservation-unsuitable", severity: "error", path: `${path}.reservation`, message, remedy },
    ];
    const found = reservations[id];
    const another: Remedy = { action: "name another reservation, or none" };
    if (found === null || found === undefined) return wrong(`There is no reservation ${id} in ${region}.`, another);
    if (found.state !== "active") return wrong(`Reservation ${id} is ${found.state}, not active.`, another);
    if (found.type !== type)
      return wrong(`Reservation ${id} is for ${found.type}, not for ${type}.`, {
        action: `set ${path}.machine to ${found.type}`,
        or: [another],
      });
    if (found.zone !== zone)
      return wrong(`Reservation ${id} is in ${found.zone}, but the machines are in ${zone ?? "no zone"}.`, {
        ...another,
        note: "All machines must be in one zone.",
      });
    // Several pools may use the same reservation.
    const wanted = pools.filter((other) => other.machine.reservation === id).reduce((sum, { count }) => sum + count, 0);
    if (wanted <= found.free) return [];
    const room = `${found.free} ${found.free === 1 ? "machine" : "machines"}`;
    return wrong(`Reservation ${id} has room for ${room}, but the cluster needs ${wanted} in it.`, {
      action: `lower ${path}.count until all fit`,
      or: [{ action: "enlarge the reservation" }],
    });
  });
};

/** Checks of the account. */
const CHECKS: readonly AccountCheck[] = [
  quotasAreRaised,
  someZoneOffersAll,
  chosenZoneOffersAll,
  spotSaves,
  networkIsThere,
  reservationsHold,
];

/** What the account's answers mean for a plan, errors first. */
export function accountFindings(plan: ClusterPlan, facts: AccountFacts): Finding[] {
  const situation = { plan, facts, zone: availabilityZoneFor(plan, facts) };
  return errorsFirst(findingsFrom(CHECKS.flatMap((check) => check(situation))));
}

/** The plan with the findings about the account. If the account answered for all quotas, `quota-needed` is dropped. */
export function withAccountFindings(plan: ClusterPlan, facts: AccountFacts): ClusterPlan {
  const isAnswered = [...vcpusOf(plan).keys()].every((code) => facts.quotas[code] !== undefined);
  const kept = plan.findings.filter(({ number }) => !isAnswered || number !== FINDING_NUMBERS["quota-needed"]);
  return { ...plan, findings: errorsFirst([...kept, ...accountFindings(plan, facts)]) };
}
