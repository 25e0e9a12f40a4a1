/** What things cost: machines by the catalog; what is not a machine is below, with the source and the day of its price. */

import type { Region } from "../../config/regions.ts";
import type { Market } from "../../config/words.ts";
import { type MachineType, spotRange } from "../catalog/index.ts";

/** An amount that is not known better than from its low to its high end. */
export interface UsdRange {
  low: number;
  high: number;
}

/** Hours of a month in AWS's own calculator. */
export const HOURS_PER_MONTH = 730;

/**
 * The publication day of the oldest price list below, in us-east-1; other regions differ by some percent, which a quote says.
 */
export const SERVICE_PRICES_AS_OF = "2026-07-24";

/**
 * Prices of what is not a machine, in US dollars. Each was held against AWS's price list for us-east-1 as others quote it
 * word for word (AWS's own files could not be read from here), by the day of its publication: gp3 in AmazonEC2 of 2026-08-17,
 * public IPv4 in AmazonVPC of 2026-07-24, interface endpoints in AmazonVPC, load balancer in AWSELB, registry in AmazonECR
 * and bucket in AmazonS3 of 2026-08-12, transfer in AWSDataTransfer of 2026-08-31. The free transfer is what
 * aws.amazon.com/s3/pricing says of all services together.
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
  /** Capacity unit of an application load balancer; one is enough for a cluster's trickle of tokens. */
  loadBalancerUnitHour: 0.008,
  /** Web firewall with one rule: 5 for it and 1 for the rule (aws.amazon.com/waf/pricing). */
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
 * US dollars per hour of one machine; null where the region does not sell the type on demand. A type without a spot market
 * costs its on-demand price, and so does a capacity block.
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
