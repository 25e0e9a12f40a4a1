/** Findings that the account itself brings about: quotas, zones, spot prices and a network that exists. */

import { networkOf } from "../../config/cidr.ts";
import { at } from "../../config/collections.ts";
import { FINDING_NUMBERS } from "../findings/codes.ts";
import type { Finding } from "../findings/finding.ts";
import type { Observation } from "../findings/situation.ts";
import type { ClusterPlan } from "../plan.ts";
import type { MachinePlan } from "../resources/plans.ts";
import { rented } from "../resources/rented.ts";
import {
  type AccountFacts,
  availabilityZoneFor,
  type SubnetFacts,
  typesOf,
  vcpusOf,
  wholeZones,
  wishedZone,
} from "./facts.ts";

/** What these findings are made from. */
interface AccountSituation {
  plan: ClusterPlan;
  facts: AccountFacts;
  /** Zone that the machines will be in; null if none will do, or it is not known. */
  zone: string | null;
}

/** Looks for one kind of finding. */
type AccountCheck = (situation: AccountSituation) => Observation[];

/** A spot machine that EC2 may take away at any time should cost so much less than one that it does not: an assumption. */
const LEAST_SAVING = 0.15;

const quotasAreRaised: AccountCheck = ({ plan, facts }) =>
  [...vcpusOf(plan)].flatMap(([code, vcpus]): Observation[] => {
    const quota = facts.quotas[code];
    const used = facts.usedVcpus?.[code] ?? 0;
    if (quota === undefined || vcpus + used <= quota) return [];
    const taken = used === 0 ? "" : `, of which other machines take ${used}`;
    const options = `--region ${facts.region} --service-code ec2 --quota-code ${code} --desired-value ${vcpus + used}`;
    return [
      {
        code: "quota-too-small",
        severity: "error",
        message: `The machines need ${vcpus} vCPUs of ${code}, and the account may run ${quota} in ${facts.region}${taken}.`,
        remedy: `Ask for ${vcpus + used} with \`aws service-quotas request-service-quota-increase ${options}\`, or in the console under Service Quotas, Amazon EC2, ${code}.`,
      },
    ];
  });

const someZoneOffersAll: AccountCheck = ({ plan, facts }) => {
  if (isChosen(plan) || facts.zones === null || wholeZones(plan, facts).length > 0) return [];
  const lacking = facts.zones
    .map(({ name, types }) => ({ name, missing: typesOf(plan).filter((type) => !types.includes(type)) }))
    .sort((a, b) => a.missing.length - b.missing.length || (a.name < b.name ? -1 : 1));
  const [nearest] = lacking;
  const told = lacking.map(({ name, missing }) => `${name} lacks ${listed(missing)}`);
  return [
    {
      code: "no-zone-offers-all",
      severity: "error",
      message: `No availability zone of ${facts.region} offers every machine of the cluster: ${told.join("; ") || "the account can use none"}.`,
      remedy:
        nearest === undefined
          ? "Choose another aws.region."
          : `Take another type in place of ${listed(nearest.missing)}, one that ${nearest.name} offers (\`aws ec2 describe-instance-type-offerings --region ${facts.region} --location-type availability-zone --filters Name=location,Values=${nearest.name}\` lists them), or choose another aws.region.`,
    },
  ];
};

const chosenZoneOffersAll: AccountCheck = ({ plan, facts }) => {
  const zone = wishedZone(plan, facts);
  if (zone === null || facts.zones === null) return [];
  const found = facts.zones.find(({ name }) => name === zone);
  const missing = typesOf(plan).filter((type) => found?.types.includes(type) !== true);
  if (found !== undefined && missing.length === 0) return [];
  const whole = wholeZones(plan, facts).map(({ name }) => name);
  const message =
    found === undefined
      ? `${zone} is no availability zone of ${facts.region} that the account can use.`
      : `Availability zone ${zone} does not offer ${listed(missing)}.`;
  const [other] = whole;
  const types = `Choose other machines in place of ${listed(missing)}`;
  if (plan.aws?.availabilityZone === null && plan.aws.network.kind === "own") {
    const path = poolsOf(plan).find(({ machine }) => machine.reservation !== null)?.path;
    const reserved = {
      path: `${path ?? "backends[0]"}.reservation`,
      message,
      remedy: `${types}, or another reservation.`,
    };
    return [{ code: "zone-lacks-type", severity: "error", ...reserved }];
  }
  if (plan.aws?.availabilityZone === null) {
    const remedy = other === undefined ? `${types}.` : `Name a subnet in ${whole.join(" or ")}.`;
    return [{ code: "zone-lacks-type", severity: "error", path: "aws.network.subnetId", message, remedy }];
  }
  const path = "aws.availabilityZone";
  return [
    other === undefined
      ? { code: "zone-lacks-type", severity: "error", path, message, remedy: `${types}: no other zone offers all.` }
      : {
          code: "zone-lacks-type",
          severity: "error",
          path,
          message,
          remedy: `Set ${path} to ${other}, or leave it out.`,
          change: { path, value: other },
        },
  ];
};

const spotSaves: AccountCheck = ({ plan, facts, zone }) => {
  const here = facts.zones?.find(({ name }) => name === zone);
  if (here === undefined) return [];
  return poolsOf(plan).flatMap(({ path: pool, machine: { type, market, usdPerHour } }): Observation[] => {
    if (market !== "spot" || usdPerHour === null) return [];
    // A spot machine never costs more than on demand.
    const onDemand = usdPerHour.high;
    const isPoor = (usd: number | undefined) => usd === undefined || usd > onDemand * (1 - LEAST_SAVING);
    const usd = here.spotUsdPerHour[type];
    if (!isPoor(usd)) return [];
    const cheaper = wholeZones(plan, facts)
      .filter(({ spotUsdPerHour }) => !isPoor(spotUsdPerHour[type]))
      .sort((a, b) => (a.spotUsdPerHour[type] ?? 0) - (b.spotUsdPerHour[type] ?? 0))[0];
    const isFree = plan.aws?.network.kind === "own" && facts.presentZone === null;
    const elsewhere =
      cheaper === undefined || !isFree
        ? ""
        : `, or aws.availabilityZone to ${cheaper.name}, where they cost ${dollars(cheaper.spotUsdPerHour[type])}`;
    const path = `${pool}.market`;
    const price = usd === undefined ? "are not to be had" : `cost ${dollars(usd)} US dollars per hour`;
    return [
      {
        code: "spot-saves-little",
        severity: "advice",
        path,
        message: `Spot machines of ${type} ${price} in ${here.name} now, and ${dollars(onDemand)} on demand, where EC2 takes none away.`,
        remedy: `Set ${path} to on-demand${elsewhere}.`,
        change: { path, value: "on-demand" },
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
  const wrong = (path: string, message: string, remedy: string): Observation => ({
    code: "network-unsuitable",
    severity: "error",
    path,
    message,
    remedy,
  });
  const lost = named.flatMap(({ path, id }): Observation[] => {
    const subnet = subnets[id];
    if (subnet === null || subnet === undefined)
      return [
        wrong(path, `There is no subnet ${id} in ${region}.`, "Name one of the VPC, or another aws.region or account."),
      ];
    if (subnet.vpcId === network.vpcId) return [];
    return [wrong(path, `${id} is a subnet of ${subnet.vpcId}, not of ${network.vpcId}.`, "Name one of the VPC.")];
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
            `The public subnets are all in ${[...zones].join()}, and a load balancer wants two zones.`,
            "Name one of another zone.",
          ),
        ]
      : []),
    ...(subnet === null || subnet === undefined ? [] : addressesAreFree(plan, subnet, network.subnetId, wrong)),
  ];
};

function addressesAreFree(
  { network, front, machines }: ClusterPlan,
  subnet: SubnetFacts,
  id: string,
  wrong: (path: string, message: string, remedy: string) => Observation,
): Observation[] {
  const path = "access.privateCidr";
  const [whole, part] = [networkOf(subnet.cidr), networkOf(network.cidr)];
  if (part.base < whole.base || part.base + part.size > whole.base + whole.size) {
    const message = `The cluster's network ${network.cidr} is no part of ${id}, which has ${subnet.cidr}.`;
    return [wrong(path, message, `Set ${path} to a part of ${subnet.cidr} that nothing else uses.`)];
  }
  const planned = new Set([front.address, ...machines.map(({ address }) => address)]);
  const taken = subnet.takenAddresses.filter((address) => planned.has(address));
  if (taken.length === 0) return [];
  const [verb, what] = taken.length === 1 ? ["is", "Address"] : ["are", "Addresses"];
  const message = `${what} ${listed(taken)} of ${id} ${verb} in use already.`;
  return [wrong(path, message, `Set ${path} to another part of ${subnet.cidr}.`)];
}

/** The plan's pools: where the stack file has each, and one of its machines. */
function poolsOf(plan: ClusterPlan): { path: string; machine: MachinePlan; count: number }[] {
  const byPool = Map.groupBy(rented(plan)?.others ?? [], ({ machine }) => machine.pool);
  return [...byPool.values()].map((all, index) => ({
    path: `backends[${index}]`,
    machine: at(all, 0).machine,
    count: all.length,
  }));
}

/** Whether the stack file decides where the machines are, one way or another. */
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
    const wrong = (message: string, remedy: string): Observation[] => [
      { code: "reservation-unsuitable", severity: "error", path: `${path}.reservation`, message, remedy },
    ];
    const found = reservations[id];
    const another = "Name another reservation, or leave it out";
    if (found === null || found === undefined)
      return wrong(`There is no reservation ${id} in ${region}.`, `${another}.`);
    if (found.state !== "active") return wrong(`Reservation ${id} is ${found.state}, not active.`, `${another}.`);
    if (found.type !== type)
      return wrong(
        `Reservation ${id} is for ${found.type}, not for ${type}.`,
        `Set ${path}.machine to ${found.type}, or name another reservation.`,
      );
    if (found.zone !== zone)
      return wrong(
        `Reservation ${id} is in ${found.zone}, and the machines are in ${zone ?? "no zone"}.`,
        `${another}: all machines are in one zone.`,
      );
    // Several pools may share one.
    const wanted = pools.filter((other) => other.machine.reservation === id).reduce((sum, { count }) => sum + count, 0);
    if (wanted <= found.free) return [];
    const message = `Reservation ${id} has room for ${found.free}, and ${wanted} machines are to run in it.`;
    return wrong(message, `Set ${path}.count so that it has room for all, or enlarge the reservation.`);
  });
};

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function dollars(usd: number | undefined): string {
  return (usd ?? 0).toFixed(2);
}

/** All that looks at the account. */
const CHECKS: readonly AccountCheck[] = [
  quotasAreRaised,
  someZoneOffersAll,
  chosenZoneOffersAll,
  spotSaves,
  networkIsThere,
  reservationsHold,
];

/** What there is to say about a plan now that the account was asked, errors first. */
export function accountFindings(plan: ClusterPlan, facts: AccountFacts): Finding[] {
  const situation = { plan, facts, zone: availabilityZoneFor(plan, facts) };
  return sorted(
    CHECKS.flatMap((check) => check(situation)).map((observation) => ({
      ...observation,
      number: FINDING_NUMBERS[observation.code],
    })),
  );
}

/** The plan with what the account says; the advice to look at its quotas goes where it said them all. */
export function withAccountFindings(plan: ClusterPlan, facts: AccountFacts): ClusterPlan {
  const isAnswered = [...vcpusOf(plan).keys()].every((code) => facts.quotas[code] !== undefined);
  const kept = plan.findings.filter(({ number }) => !isAnswered || number !== FINDING_NUMBERS["quota-needed"]);
  return { ...plan, findings: sorted([...kept, ...accountFindings(plan, facts)]) };
}

function sorted(findings: readonly Finding[]): Finding[] {
  const order = ["error", "warning", "advice"];
  return findings.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}
