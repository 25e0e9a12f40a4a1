/** Prices: those of machines from the catalog, all others below with source and day. */

import type { Region } from "../../config/regions.ts";
import type { Market } from "../../config/words.ts";
import { type MachineType, spotRange } from "../catalog/index.ts";

/** An amount in US dollars that is known only as a range. Both ends are equal if it is known exactly. */
export interface UsdRange {
  /** US dollars, at least. */
  low: number;
  /** US dollars, at most. */
  high: number;
}

/** Hours of a month in AWS's own calculator. */
export const HOURS_PER_MONTH = 730;

/**
 * The publication day of the oldest price list below, in us-east-1. Prices in other regions differ by some percent; a
 * quote says so.
 */
export const SERVICE_PRICES_AS_OF = "2026-07-24";

/**
 * Prices of everything except machines, in US dollars. Each was compared with a verbatim copy of AWS's price list for
 * us-east-1 (AWS's own files could not be read from here), with this day of publication: gp3 in AmazonEC2 of 2026-08-17,
 * public IPv4 in AmazonVPC of 2026-07-24, interface endpoints in AmazonVPC, load balancer in AWSELB, registry in AmazonECR
 * and bucket in AmazonS3 of 2026-08-12, transfer in AWSDataTransfer of 2026-08-31. The free transfer is from
 * aws.amazon.com/s3/pricing and applies to all services together.
 */
export const SERVICE_PRICES = {
  gp3GibibyteMonth: 0.08,
  /** Beyond the 3000 operations per second that are included. */
  gp3OperationMonth: 0.005,
  /** Beyond the 125 MiB/s that are included. */
  gp3MebibytePerSecondMonth: 0.04,
  interfaceEndpointHour: 0.01,
  interfaceEndpointGigabyte: 0.01,
  publicAddressHour: 0.005,
  loadBalancerHour: 0.0225,
  /** Capacity unit of an application load balancer; one is enough, because a cluster sends little data. */
  loadBalancerUnitHour: 0.008,
  /** Web firewall with one rule: 5 for the firewall and 1 for the rule (aws.amazon.com/waf/pricing). */
  firewallMonth: 6,
  /** CloudWatch, standard resolution (aws.amazon.com/cloudwatch/pricing). */
  alarmMonth: 0.1,
  /** To the Internet, beyond the 100 GB of a month that are free. */
  transferOutGigabyte: 0.09,
  transferOutFreeGigabytesMonth: 100,
  registryGigabyteMonth: 0.1,
  bucketGigabyteMonth: 0.023,
} as const;

/**
 * US dollars per hour of one machine; null if the region does not sell the type on demand. A capacity block and a type
 * without a spot market cost the on-demand price.
 */
export function priceOf(type: MachineType, region: Region, market: Market): UsdRange | null {
  const onDemand = type.usdPerHour[region];
  if (onDemand === undefined) return null;
  const range = market === "spot" ? spotRange(type, region) : null;
  return range === null ? { low: onDemand.usd, high: onDemand.usd } : { low: range.lowUsd, high: range.highUsd };
}

/** US dollars with cents, for a sentence: `2.55`. */
export function usdText(usd: number): string {
  return usd.toFixed(2);
}
