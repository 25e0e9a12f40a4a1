/**
 * The cost of a cluster on EC2: a pure sum of lines. Each line names what it counts.
 */

import { at } from "../../config/collections.ts";
import { findMachineType, PRICES_AS_OF, type Region } from "../catalog/index.ts";
import { HOURS_PER_MONTH, priceOf, SERVICE_PRICES, SERVICE_PRICES_AS_OF, type UsdRange } from "./prices.ts";

const GP3_FREE_OPERATIONS = 3000;
const GP3_FREE_MEBIBYTES_PER_SECOND = 125;

/** Machines of one kind. */
export interface MachineOrder {
  type: string;
  count: number;
  /** EC2 stops spot machines when it needs their capacity. */
  spot: boolean;
}

/** One gp3 volume on each of `count` machines. */
export interface DiskOrder {
  count: number;
  /** Size in GiB; AWS's price list calls this unit GB. */
  gibibytes: number;
  /** Provisioned throughput in MiB/s; 125 are included. */
  mebibytesPerSecond: number;
  /** Provisioned operations per second; 3000 are included. */
  operationsPerSecond: number;
}

/** Everything that costs money. */
export interface CostSpec {
  region: Region;
  machines: readonly MachineOrder[];
  disks: readonly DiskOrder[];
  /** Number of interface endpoints × zones: machines without a route to the Internet reach AWS through them. */
  interfaceEndpoints: number;
  publicAddresses: number;
  loadBalancers: number;
  /** Number of web firewalls, each with one rule. */
  firewalls: number;
  /** Number of CloudWatch alarms. */
  alarms: number;
  /** Transfer to the Internet per month, in GB. Traffic between machines of one zone is free. */
  transferOutGigabytesMonth: number;
  registryGigabytes: number;
  bucketGigabytes: number;
  /** Hours of a month in which the machines run. In the other hours they are stopped, and disks still cost money. */
  machineHoursPerMonth: number;
}

export type CostKind =
  | "machines"
  | "disks"
  | "endpoints"
  | "addresses"
  | "load balancer"
  | "firewall"
  | "alarms"
  | "transfer"
  | "registry"
  | "model bucket";

/** One line of a quote. */
export interface CostLine {
  kind: CostKind;
  /** The item and its number: `3 × c8g.16xlarge`. */
  what: string;
  /** US dollars per hour while the machines run. */
  usdPerHour: UsdRange;
  usdPerMonth: UsdRange;
  /** Whether the price was derived from the price of another region. */
  estimated: boolean;
}

/** A quote. The high end of each range is the cost with on-demand prices, which is the highest possible cost. */
export interface Quote {
  lines: CostLine[];
  usdPerHour: UsdRange;
  usdPerMonth: UsdRange;
  /** Day of the oldest price. */
  asOf: string;
  /** What the numbers do not cover, one sentence each. */
  unknowns: string[];
}

/** A machine type has no price in the region. */
export class NotSold extends Error {
  constructor(type: string, region: Region, known: boolean) {
    super(known ? `${type} is not sold on demand in ${region}.` : `${type} is not in the catalog.`);
    this.name = "NotSold";
  }
}

/**
 * Adds up what a cluster costs.
 * @throws {NotSold} for a machine type without a price in the region
 */
export function quote(spec: CostSpec): Quote {
  const lines = [
    ...spec.machines.filter(({ count }) => count > 0).map((order) => machineLine(order, spec)),
    ...spec.disks.filter(({ count }) => count > 0).map(diskLine),
    ...serviceLines(spec),
  ];
  return {
    lines,
    usdPerHour: total(lines.map(({ usdPerHour }) => usdPerHour)),
    usdPerMonth: total(lines.map(({ usdPerMonth }) => usdPerMonth)),
    asOf: at([PRICES_AS_OF, SERVICE_PRICES_AS_OF].sort(), 0),
    unknowns: unknownsOf(spec, lines),
  };
}

/**
 * US dollars for a million tokens that are generated without pause at this speed. A slower speed is more expensive, so the
 * low price belongs to the high speed.
 */
export function usdPerMillionTokens(usdPerHour: UsdRange, tokensPerSecond: UsdRange): UsdRange {
  const price = (usd: number, speed: number) => (usd / (speed * 3600)) * 1e6;
  return { low: price(usdPerHour.low, tokensPerSecond.high), high: price(usdPerHour.high, tokensPerSecond.low) };
}

function machineLine({ type, count, spot }: MachineOrder, { region, machineHoursPerMonth }: CostSpec): CostLine {
  const machine = findMachineType(type);
  const price = machine?.usdPerHour[region];
  const one = machine === undefined ? null : priceOf(machine, region, spot ? "spot" : "on-demand");
  if (price === undefined || one === null) throw new NotSold(type, region, machine !== undefined);
  return {
    kind: "machines",
    what: `${count} × ${type}${spot && machine?.spot === true ? " (spot)" : ""}`,
    usdPerHour: times(one, count),
    usdPerMonth: times(one, count * machineHoursPerMonth),
    estimated: price.estimated,
  };
}

function diskLine({ count, gibibytes, mebibytesPerSecond, operationsPerSecond }: DiskOrder): CostLine {
  const one =
    gibibytes * SERVICE_PRICES.gp3GibibyteMonth +
    Math.max(0, mebibytesPerSecond - GP3_FREE_MEBIBYTES_PER_SECOND) * SERVICE_PRICES.gp3MebibytePerSecondMonth +
    Math.max(0, operationsPerSecond - GP3_FREE_OPERATIONS) * SERVICE_PRICES.gp3OperationMonth;
  return monthly("disks", `${count} × gp3 of ${gibibytes} GB, ${mebibytesPerSecond} MiB/s`, count * one);
}

function serviceLines(spec: CostSpec): CostLine[] {
  const { interfaceEndpoints, publicAddresses, loadBalancers, registryGigabytes, bucketGigabytes } = spec;
  const balancer = SERVICE_PRICES.loadBalancerHour + SERVICE_PRICES.loadBalancerUnitHour;
  const paidOut = Math.max(0, spec.transferOutGigabytesMonth - SERVICE_PRICES.transferOutFreeGigabytesMonth);
  const lines = [
    hourly(
      "endpoints",
      counted(interfaceEndpoints, "interface endpoint"),
      interfaceEndpoints * SERVICE_PRICES.interfaceEndpointHour,
    ),
    hourly(
      "addresses",
      `${publicAddresses} public IPv4 ${publicAddresses === 1 ? "address" : "addresses"}`,
      publicAddresses * SERVICE_PRICES.publicAddressHour,
    ),
    hourly("load balancer", counted(loadBalancers, "load balancer"), loadBalancers * balancer),
    monthly("firewall", counted(spec.firewalls, "web firewall"), spec.firewalls * SERVICE_PRICES.firewallMonth),
    monthly("alarms", counted(spec.alarms, "alarm"), spec.alarms * SERVICE_PRICES.alarmMonth),
    monthly(
      "transfer",
      `${spec.transferOutGigabytesMonth} GB to the Internet`,
      paidOut * SERVICE_PRICES.transferOutGigabyte,
    ),
    monthly(
      "registry",
      `${gigabytes(registryGigabytes)} of images`,
      registryGigabytes * SERVICE_PRICES.registryGigabyteMonth,
    ),
    monthly(
      "model bucket",
      `${gigabytes(bucketGigabytes)} of model files`,
      bucketGigabytes * SERVICE_PRICES.bucketGigabyteMonth,
    ),
  ];
  return lines.filter(({ usdPerMonth }) => usdPerMonth.high > 0);
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

function gigabytes(amount: number): string {
  return `${Number(amount.toFixed(1))} GB`;
}

/** A line that costs money every hour of the month, whether the machines run or not. */
function hourly(kind: CostKind, what: string, usdPerHour: number): CostLine {
  return {
    kind,
    what,
    usdPerHour: exactly(usdPerHour),
    usdPerMonth: exactly(usdPerHour * HOURS_PER_MONTH),
    estimated: false,
  };
}

function monthly(kind: CostKind, what: string, usdPerMonth: number): CostLine {
  return hourly(kind, what, usdPerMonth / HOURS_PER_MONTH);
}

function unknownsOf(spec: CostSpec, lines: readonly CostLine[]): string[] {
  return [
    ...(lines.some(({ estimated }) => estimated)
      ? [`Machine prices of ${spec.region} are estimates from those of us-east-1.`]
      : []),
    ...(spec.region === "us-east-1" ? [] : ["Prices of everything except machines are those of us-east-1."]),
    ...(lines.some(({ usdPerHour }) => usdPerHour.low < usdPerHour.high)
      ? ["Spot prices move daily; the high end is the on-demand price, which they never exceed."]
      : []),
    ...(spec.interfaceEndpoints > 0 ? ["Data through interface endpoints costs 0.01 USD per GB more."] : []),
    ...(spec.transferOutGigabytesMonth > 0
      ? [
          `Generating without pause would send ${spec.transferOutGigabytesMonth} GB a month to the Internet, of which ${SERVICE_PRICES.transferOutFreeGigabytesMonth} GB are free.`,
        ]
      : []),
    "Taxes, discounts and requests to the bucket and the registry are not included.",
  ];
}

function exactly(usd: number): UsdRange {
  return { low: usd, high: usd };
}

function times({ low, high }: UsdRange, factor: number): UsdRange {
  return { low: low * factor, high: high * factor };
}

function total(amounts: readonly UsdRange[]): UsdRange {
  return amounts.reduce((sum, { low, high }) => ({ low: sum.low + low, high: sum.high + high }), { low: 0, high: 0 });
}
