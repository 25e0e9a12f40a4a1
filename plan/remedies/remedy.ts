/** What helps against a finding: data for programs, and the only place that puts it into words. */

import { usdText } from "../cost/prices.ts";
import type { ConfigChange, ConfigValue, Removal, Setting } from "./change.ts";

/** What a change of machines does to the price. Machines on the spot market are compared by their on-demand price. */
export interface RemedyCosts {
  /**
   * US dollars per hour. Of `cluster`: how much more the whole cluster costs, negative if it costs less. Of `each machine`:
   * what each new machine costs, because a machine that it replaces is not sold in the region and has no price.
   */
  usdPerHour: number;
  of: "cluster" | "each machine";
  /** Whether the cluster has spot machines, so that their price is not known beforehand. */
  hasSpot: boolean;
}

/** What to do about a finding. */
export interface Remedy {
  /**
   * What to do outside the stack file: before the change, or in place of one. An imperative without a full stop:
   * `choose a smaller model`.
   */
  action?: string;
  /** Change of the stack file. The planner has tried it: the finding is gone with it. Absent if no change is known to help. */
  change?: ConfigChange;
  /** What the change does to the price; absent if it does nothing, or no price is known. */
  costs?: RemedyCosts;
  /** What to know about the remedy, as a sentence. */
  note?: string;
  /** Other remedies, each by itself. The planner has not tried them. */
  or?: readonly Remedy[];
}

/** The remedy in sentences: `Set backends[0].count to 3, which costs 2.55 US dollars per hour more.` */
export function remedyText(remedy: Remedy): string {
  return sentencesOf(remedy).join(" ");
}

/** "a", "a and b", "a, b and c". */
export function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join() : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

function sentencesOf({ action, change, costs, note, or = [] }: Remedy): string[] {
  const steps = [
    ...(action === undefined ? [] : [action]),
    ...(change === undefined ? [] : [`${changeText(change)}${costs === undefined ? "" : `, ${costsText(costs)}`}`]),
  ];
  return [
    ...steps.map((step) => `${step.charAt(0).toUpperCase()}${step.slice(1)}.`),
    ...(note === undefined ? [] : [note]),
    ...or.flatMap((other) => {
      const [first = "", ...rest] = sentencesOf(other);
      return [`Or ${first.charAt(0).toLowerCase()}${first.slice(1)}`, ...rest];
    }),
  ];
}

function changeText({ set, remove }: ConfigChange): string {
  const pools = remove.flatMap(({ pool }) => pool ?? []);
  return listed([
    ...(set.length === 0 ? [] : [`set ${listed(set.map(settingText))}`]),
    ...(pools.length === 0 ? [] : [`remove ${pools.length === 1 ? "pool" : "pools"} ${listed(pools)}`]),
    ...(remove.some(isSplit) ? ["leave layers out of every pool"] : []),
  ]);
}

/** A part of the user's own split. Nothing else is removed but pools. */
function isSplit({ path }: Removal): boolean {
  return path.endsWith(".layers");
}

function settingText({ path, value, bound }: Setting): string {
  return `${path} to ${bound === undefined ? "" : `${bound} `}${valueText(value)}`;
}

function valueText(value: ConfigValue): string {
  if (typeof value !== "object") return String(value);
  return isList(value) ? listed(value.map(poolText)) : JSON.stringify(value);
}

function isList(value: object): value is readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value);
}

function poolText({ count, machine, market }: Readonly<Record<string, unknown>>): string {
  return `one pool of ${count} × ${machine}${market === undefined ? "" : `, market ${market}`}`;
}

function costsText({ usdPerHour, of, hasSpot }: RemedyCosts): string {
  const basis = hasSpot ? " at on-demand prices" : "";
  if (of === "each machine") return `at ${usdText(usdPerHour)} US dollars per hour each${basis}`;
  if (Math.abs(usdPerHour) < 0.005) return `which costs the same${basis}`;
  return usdPerHour > 0
    ? `which costs ${usdText(usdPerHour)} US dollars per hour more${basis}`
    : `which saves ${usdText(-usdPerHour)} US dollars per hour${basis}`;
}
