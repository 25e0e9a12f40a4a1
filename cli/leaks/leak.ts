/** Resources that a stack has left, and their report. */

import { smallUsd } from "../../report/amounts.ts";

/** One resource that still exists. */
export interface Leak {
  /** The kind: `instance`. */
  kind: string;
  /** Id, name or ARN. */
  id: string;
  /** Details that identify it: `g6.xlarge, running, gpu-machine-0`; may be empty. */
  detail: string;
  /** US dollars per hour while it exists; null if it is free or only its use costs. */
  usdPerHour: number | null;
  /** The command, or a sentence, to remove it. */
  remedy: string;
  /** Whether only the tagging API names it, which lags by some minutes. */
  mayBeGone?: true;
}

/** The leftover resources, and what could not be checked. */
export interface Findings {
  leaks: Leak[];
  /** One sentence for each request that was refused. */
  refusals: string[];
}

/**
 * Kinds in the order of removal: each before the kind that contains it. Kinds that are not listed contain nothing and are
 * removed first.
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

/** Sorts by the order of removal and drops duplicates. */
export function inRemovalOrder(leaks: readonly Leak[]): Leak[] {
  const unique = new Map(leaks.map((leak) => [`${leak.kind} ${leak.id}`, leak]));
  const rank = ({ kind }: Leak) => REMOVAL_ORDER.indexOf(kind);
  return [...unique.values()].sort((a, b) => rank(a) - rank(b) || (a.kind + a.id < b.kind + b.id ? -1 : 1));
}

/**
 * The report for a terminal.
 * @param stack the stack that they belong to
 * @param place what was searched: `us-east-1`, `the Docker engine`
 */
export function formatLeaks({ leaks, refusals }: Findings, stack: string, place: string): string {
  const unasked = refusals.length === 0 ? [] : ["", "Not everything could be checked:", ...refusals.map(indented)];
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
    `If the cluster is up, these are its resources. Otherwise run npm run pulumi -- destroy -s ${stack} first, then remove what is left from top to bottom with the commands above.`,
  ].join("\n");
}

const LAG = `Items marked "may be gone" come from AWS's tagging API, which lags by some minutes: run this again later.`;

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
