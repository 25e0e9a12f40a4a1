/** What a stack has left behind, and how it is told. */

import { smallUsd } from "../../report/amounts.ts";

/** One thing that is still there. */
export interface Leak {
  /** What it is, as people say it: `instance`. */
  kind: string;
  /** By what it is known: id, name or ARN. */
  id: string;
  /** What else helps to tell it from others: `g6.xlarge, running, gpu-machine-0`; empty if nothing does. */
  detail: string;
  /** US dollars per hour while it lies there; null if it costs nothing, or only what is done with it. */
  usdPerHour: number | null;
  /** The command, or the sentence, that says how to remove it. */
  remedy: string;
  /** Whether only the tagging service names it, which lags behind by some minutes. */
  mayBeGone?: true;
}

/** What was found, and what could not be looked at. */
export interface Findings {
  leaks: Leak[];
  /** One sentence for each question that was refused. */
  refusals: string[];
}

/**
 * Kinds in the order in which they can be removed: each before what it lies in. What is not here is nobody's ground and
 * comes first.
 */
const REMOVAL_ORDER: readonly string[] = [
  "spot request",
  "instance",
  "listener",
  "load balancer",
  "target group",
  "endpoint service",
  "endpoint",
  "volume",
  "network interface",
  "address",
  "instance profile",
  "role",
  "security group rule",
  "security group",
  "subnet",
  "route table",
  "network ACL",
  "internet gateway",
  "placement group",
  "VPC",
];

/** In the order in which they can be removed, without those that were found twice. */
export function inRemovalOrder(leaks: readonly Leak[]): Leak[] {
  const unique = new Map(leaks.map((leak) => [`${leak.kind} ${leak.id}`, leak]));
  const rank = ({ kind }: Leak) => REMOVAL_ORDER.indexOf(kind);
  return [...unique.values()].sort((a, b) => rank(a) - rank(b) || (a.kind + a.id < b.kind + b.id ? -1 : 1));
}

/**
 * What was found, for a terminal.
 * @param stack whose things they are
 * @param place where was looked: `us-east-1`, `the Docker engine`
 */
export function told({ leaks, refusals }: Findings, stack: string, place: string): string {
  const unasked = refusals.length === 0 ? [] : ["", "Not everything could be looked at:", ...refusals.map(indented)];
  if (leaks.length === 0) {
    const what = refusals.length === 0 ? "nothing is left" : "nothing was found";
    return [`Of stack ${stack}, ${what} in ${place}.`, ...unasked].join("\n");
  }
  const usdPerHour = leaks.reduce((sum, leak) => sum + (leak.usdPerHour ?? 0), 0);
  const count = leaks.length === 1 ? "1 thing is" : `${leaks.length} things are`;
  const price = usdPerHour > 0 ? `, and together they cost about ${smallUsd(usdPerHour)} US dollars per hour` : "";
  const width = Math.max(...leaks.map(({ kind }) => kind.length));
  return [
    `Of stack ${stack}, ${count} left in ${place}${price}:`,
    "",
    ...leaks.flatMap((leak) => [
      `  ${leak.kind.padEnd(width)}  ${leak.id}${textOf(leak)}`,
      `  ${" ".repeat(width)}    ${leak.remedy}`,
    ]),
    ...unasked,
    "",
    ...(leaks.some(({ mayBeGone }) => mayBeGone) ? [LAG] : []),
    `If the cluster is meant to be up, this is it. Else remove first what Pulumi knows of, with npm run pulumi -- destroy -s ${stack}, and what is left after that from top to bottom, as it says above.`,
  ].join("\n");
}

const LAG = "What may be gone is as AWS's tagging service says, which lags behind by some minutes: ask again then.";

function textOf({ detail, usdPerHour, mayBeGone }: Leak): string {
  const parts = [
    detail,
    mayBeGone ? "may be gone" : "",
    usdPerHour === null ? "" : `${smallUsd(usdPerHour)} US dollars per hour`,
  ];
  const text = parts.filter((part) => part !== "").join("; ");
  return text === "" ? "" : ` (${text})`;
}

function indented(text: string): string {
  return `  ${text}`;
}
