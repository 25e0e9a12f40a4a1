/** The cost of a planned cluster: lists what it needs and quotes it. */

import { minutesOf, WEEKDAYS } from "../../config/time.ts";
import { GIB } from "../../config/units.ts";
import type { AwsCluster, Limits } from "../hosts/cluster.ts";
import type { ModelFacts } from "../model/facts.ts";
import { interfaceEndpoints } from "../resources/access.ts";
import type { MachineOrder } from "../resources/machines.ts";
import type { SpeedEstimate } from "../speed/estimate.ts";
import { HOURS_PER_MONTH, type UsdRange } from "./prices.ts";
import { type Quote, quote, usdPerMillionTokens } from "./quote.ts";

/** A quote, and the price of tokens at the estimated speed. */
export interface ClusterCost extends Quote {
  /** US dollars for a million generated tokens, one answer at a time; null if the speed is unknown. */
  usdPerMillionTokens: UsdRange | null;
  /** Hours of a month in which the machines run. */
  machineHoursPerMonth: number;
}

/** Zones that a public load balancer must be in; it has one address in each. */
const PUBLIC_ZONES = 2;
/** Both roles' images of one architecture in GB, uncompressed (`bench/RESULTS.md`); a registry stores and bills less. */
const IMAGE_GIGABYTES = { cpu: 0.3, cuda: 1.7 } as const;
/** Bytes of one token in a streamed answer: `llama-server` sent 10 265 bytes in 43 events with the demonstration model. */
const EVENT_BYTES = 240;
const GIGABYTE = 1e9;

/**
 * Adds up the cost of a cluster; null if the region does not sell one of the machines.
 * @param machines the machines to count: all of `machineOrders`, or some of them
 */
export function costOf(
  cluster: AwsCluster,
  facts: ModelFacts,
  machines: readonly MachineOrder[],
  speed: SpeedEstimate | null,
): ClusterCost | null {
  if (machines.some(({ usdPerHour }) => usdPerHour === null)) return null;
  const { region, access, limits } = cluster;
  const machineHoursPerMonth = hoursPerMonth(limits);
  const images = new Map(machines.map(({ flavour, architecture }) => [`${flavour} ${architecture}`, flavour]));
  const isPublic = access.mode === "public";
  const quoted = quote({
    region,
    machines: grouped(machines.map(({ type, market }) => ({ type, spot: market === "spot" }))),
    disks: grouped(
      machines.map(({ disk }) => ({
        gibibytes: disk.gibibytes,
        mebibytesPerSecond: disk.mebibytesPerSecond,
        operationsPerSecond: disk.operationsPerSecond,
      })),
    ),
    interfaceEndpoints: interfaceEndpoints(cluster).length,
    publicAddresses: isPublic ? PUBLIC_ZONES : 0,
    loadBalancers: isPublic || access.mode === "private" ? 1 : 0,
    firewalls: access.mode === "public" && access.requestsPerFiveMinutes !== null ? 1 : 0,
    alarms: alarmsOf(cluster, machines),
    transferOutGigabytesMonth: transferGigabytes(cluster, speed, machineHoursPerMonth),
    registryGigabytes: [...images.values()].reduce((sum, flavour) => sum + IMAGE_GIGABYTES[flavour], 0),
    bucketGigabytes: facts.fileBytes / GIB,
    machineHoursPerMonth,
  });
  return {
    ...quoted,
    usdPerMillionTokens:
      speed === null ? null : usdPerMillionTokens(whileRunning(quoted.usdPerMonth, machineHoursPerMonth), speed.decode),
    machineHoursPerMonth,
  };
}

/**
 * Number of alarms: one for each machine that EC2 does not restart by itself. With an e-mail address also one for each
 * machine, and one for a public front.
 */
function alarmsOf({ access, limits }: AwsCluster, machines: readonly MachineOrder[]): number {
  const restarts = machines.filter(({ recovery }) => recovery === "alarms").length;
  if (limits.alarmEmail === null) return restarts;
  return restarts + machines.length + (access.mode === "public" ? 1 : 0);
}

/** Hours of a month in which the machines run according to the schedule. */
export function hoursPerMonth({ schedule }: Pick<Limits, "schedule">): number {
  if (schedule === null) return HOURS_PER_MONTH;
  const minutes = minutesOf(schedule.stop) - minutesOf(schedule.start);
  // If the stop is not after the start, it is on the next day.
  const hoursPerDay = (minutes > 0 ? minutes : minutes + 24 * 60) / 60;
  return (HOURS_PER_MONTH * hoursPerDay * new Set(schedule.days).size) / (24 * WEEKDAYS.length);
}

/** Price per hour of running machines: the price of a month over these hours, because disks cost money in all hours. */
function whileRunning({ low, high }: UsdRange, hours: number): UsdRange {
  return { low: low / hours, high: high / hours };
}

/** GB that leave AWS in a month in which the front generates without pause. 0 with private access, which stays in AWS. */
function transferGigabytes({ access }: AwsCluster, speed: SpeedEstimate | null, hours: number): number {
  if (speed === null || access.mode === "private") return 0;
  return Math.ceil((speed.decode.tokensPerSecond * 3600 * hours * EVENT_BYTES) / GIGABYTE);
}

/** Equal items once, with their number, in the order of their first appearance. */
function grouped<Item extends object>(items: readonly Item[]): (Item & { count: number })[] {
  const groups = Map.groupBy(items, (item) => JSON.stringify(item));
  return [...groups.values()].flatMap((group) => group.slice(0, 1).map((item) => ({ ...item, count: group.length })));
}
