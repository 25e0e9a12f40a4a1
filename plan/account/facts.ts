/** What an AWS account says about a planned cluster, and the zone that follows from it. Pure: `components/aws/account/` asks. */

import type { Region } from "../../config/regions.ts";
import { vcpusByQuota } from "../catalog/quotas.ts";
import type { ClusterPlan } from "../plan.ts";

/** One availability zone that the account can use as it is: no Local Zone, none that has to be opted in to. */
export interface ZoneFacts {
  /** Name as this account sees it: `us-east-1a`. */
  name: string;
  /** Types of the cluster that it offers. */
  types: readonly string[];
  /** US dollars per hour of spot machines now, by type; a type without a price is not to be had as spot there. */
  spotUsdPerHour: Readonly<Record<string, number>>;
}

/** A subnet that exists. */
export interface SubnetFacts {
  vpcId: string;
  zone: string;
  cidr: string;
  /** Private addresses that network interfaces of others than this stack have. */
  takenAddresses: readonly string[];
}

/** A capacity reservation, or a capacity block, that the stack file names. */
export interface ReservationFacts {
  /** In AWS's words; only `active` takes machines. */
  state: string;
  type: string;
  zone: string;
  /** Machines that it has room for, the stack's own included. */
  free: number;
}

/** What AWS says. What it could not be asked, for lack of a permission or of time, is null or missing: nothing follows from it. */
export interface AccountFacts {
  region: Region;
  /** vCPUs that the account may run, by quota code. */
  quotas: Readonly<Record<string, number>>;
  /** vCPUs that run already, by quota code, without the stack's own machines. */
  usedVcpus: Readonly<Record<string, number>> | null;
  zones: readonly ZoneFacts[] | null;
  /** Zone that the stack's machines are in already; null if it has none yet. */
  presentZone: string | null;
  /** Subnets that the stack file names, by id; null for one that does not exist. */
  subnets: Readonly<Record<string, SubnetFacts | null>> | null;
  /** Reservations that the stack file names, by id; null for one that does not exist. */
  reservations: Readonly<Record<string, ReservationFacts | null>> | null;
}

/** Where the plan wants the machines to be, by the zone's name or by what lies in it; null where it leaves that open. */
export function wishedZone({ aws, machines }: ClusterPlan, { subnets, reservations }: AccountFacts): string | null {
  if (aws === null) return null;
  const subnet = aws.network.kind === "existing" ? subnets?.[aws.network.subnetId] : null;
  const [reserved] = machines.flatMap(({ reservation }) => reservations?.[reservation ?? ""]?.zone ?? []);
  return aws.availabilityZone ?? subnet?.zone ?? reserved ?? null;
}

/**
 * Zone for all machines: what the stack file says, by name, subnet or reservation; else the one that the stack is in already; else
 * the first by name that offers every type. Prices do not decide: a zone that changes would replace the whole cluster.
 * @returns null if no zone offers every type, or the offerings are not known
 */
export function availabilityZoneFor(plan: ClusterPlan, facts: AccountFacts): string | null {
  const wished = wishedZone(plan, facts);
  if (wished !== null) return wished;
  const whole = wholeZones(plan, facts).map(({ name }) => name);
  if (facts.presentZone !== null && (facts.zones === null || whole.includes(facts.presentZone)))
    return facts.presentZone;
  return whole[0] ?? null;
}

/** Zones that offer every type of the cluster, by name. */
export function wholeZones(plan: ClusterPlan, { zones }: AccountFacts): ZoneFacts[] {
  const types = typesOf(plan);
  return (zones ?? [])
    .filter((zone) => types.every((type) => zone.types.includes(type)))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Types of the cluster, each once. */
export function typesOf({ machines }: ClusterPlan): string[] {
  return [...new Set(machines.map(({ type }) => type))];
}

/** vCPUs that the cluster needs, by quota code. A reservation counted its own when it was made. */
export function vcpusOf({ machines }: ClusterPlan): Map<string, number> {
  return vcpusByQuota(
    machines.flatMap(({ type, market, reservation }) => (reservation === null ? { type, market, count: 1 } : [])),
  );
}
