/** What an AWS account answers about a planned cluster, and the zone that follows from it. Pure: `aws/account/` asks. */

import type { Region } from "../../config/regions.ts";
import { vcpusByQuota } from "../catalog/quotas.ts";
import type { ClusterPlan } from "../plan.ts";

/** An availability zone that the account can use: no Local Zone, and no zone that needs an opt-in. */
export interface ZoneFacts {
  /** Name as this account sees it: `us-east-1a`. */
  name: string;
  /** Types of the cluster that it offers. */
  types: readonly string[];
  /** Present US dollars per hour of spot machines, by type. A type without a price is not available as spot there. */
  spotUsdPerHour: Readonly<Record<string, number>>;
}

/** A subnet that exists. */
export interface SubnetFacts {
  vpcId: string;
  zone: string;
  cidr: string;
  /** Private addresses of network interfaces that do not belong to this stack. */
  takenAddresses: readonly string[];
}

/** A capacity reservation, or a capacity block, that the stack file names. */
export interface ReservationFacts {
  /** As AWS calls it. Machines can only start in an `active` one. */
  state: string;
  type: string;
  zone: string;
  /** Machines that it has room for, including those of the stack. */
  free: number;
}

/** AWS's answers. An answer is null or missing if there was no permission or no time to ask; then no finding follows. */
export interface AccountFacts {
  region: Region;
  /** vCPUs that the account may run, by quota code. */
  quotas: Readonly<Record<string, number>>;
  /** vCPUs in use, by quota code, without the stack's own machines. */
  usedVcpus: Readonly<Record<string, number>> | null;
  zones: readonly ZoneFacts[] | null;
  /** Zone that the stack's machines are in; null if it has none yet. */
  presentZone: string | null;
  /** Subnets that the stack file names, by id; null for one that does not exist. */
  subnets: Readonly<Record<string, SubnetFacts | null>> | null;
  /** Reservations that the stack file names, by id; null for one that does not exist. */
  reservations: Readonly<Record<string, ReservationFacts | null>> | null;
}

/** Zone that the plan asks for, by name, by subnet or by reservation; null if it asks for none. */
export function requestedZone({ aws, machines }: ClusterPlan, { subnets, reservations }: AccountFacts): string | null {
  if (aws === null) return null;
  const subnet = aws.network.kind === "existing" ? subnets?.[aws.network.subnetId] : null;
  const [reserved] = machines.flatMap(({ reservation }) => reservations?.[reservation ?? ""]?.zone ?? []);
  return aws.availabilityZone ?? subnet?.zone ?? reserved ?? null;
}

/**
 * Zone for all machines: the one that the stack file asks for; otherwise the one that the stack is in, if it still offers
 * every type; otherwise the first by name that does. Prices do not decide, because another zone replaces the whole cluster.
 * @returns null if no zone offers every type, or the offerings are not known
 */
export function availabilityZoneFor(plan: ClusterPlan, facts: AccountFacts): string | null {
  const requested = requestedZone(plan, facts);
  if (requested !== null) return requested;
  const whole = wholeZones(plan, facts).map(({ name }) => name);
  if (facts.presentZone !== null && (facts.zones === null || whole.includes(facts.presentZone)))
    return facts.presentZone;
  return whole[0] ?? null;
}

/** Zones that offer every type of the cluster, sorted by name. */
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

/** vCPUs that the cluster needs, by quota code. Machines in a reservation are not counted: AWS counted the reservation. */
export function vcpusOf({ machines }: ClusterPlan): Map<string, number> {
  return vcpusByQuota(
    machines.flatMap(({ type, market, reservation }) => (reservation === null ? { type, market, count: 1 } : [])),
  );
}
