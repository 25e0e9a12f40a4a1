/** Compares the catalog with AWS: cells with another value, and changes to make by hand. */

import { hardware } from "../../plan/catalog/data.ts";
import { findMachineType, type MachineType, REGIONS } from "../../plan/catalog/index.ts";
import type { MachineRow } from "../../plan/catalog/schema.ts";
import type { Observed, ObservedType } from "./observed.ts";
import { type Cell, inline } from "./table-file.ts";

/** AWS's facts of a type, in the order of the columns after the name. */
const FACTS = [
  ["vCPUs", (type: ObservedType) => type.vcpus],
  ["memory, GiB", (type: ObservedType) => type.memoryMib / 1024],
  ["GPUs", (type: ObservedType) => type.gpus],
  ["network, Gbps", (type: ObservedType) => type.networkBaseGbps],
  ["network burst, Gbps", (type: ObservedType) => type.networkBurstGbps],
  ["disk, MB/s", (type: ObservedType) => type.diskBaseMegabytesPerSecond],
  ["disk burst, MB/s", (type: ObservedType) => type.diskBurstMegabytesPerSecond],
  ["NVMe, GB", (type: ObservedType) => type.nvmeGigabytes],
] as const;

/** Names of the columns in the report. */
export const COLUMNS: readonly string[] = [
  "name",
  ...FACTS.map(([name]) => name),
  ...REGIONS.map((region) => `USD/h in ${region}`),
];

/** One cell to change. */
export interface Change {
  /** Machine type. */
  name: string;
  column: number;
  from: Cell;
  to: Cell;
}

/** The differences. */
export interface Differences {
  changes: Change[];
  /** Changes that need more than a new value in a cell, one sentence each. */
  byHand: string[];
}

/** Compares every row, and finds types without a row. */
export function compare(rows: readonly MachineRow[], observed: Observed): Differences {
  const known = new Set(rows.map(([name]) => name));
  return {
    changes: rows.flatMap((row) => [...factChanges(row, observed), ...priceChanges(row, observed)]),
    byHand: [
      ...rows.flatMap(([name]) => familyNotes(name, observed)),
      ...[...observed.types.values()].filter(({ name }) => !known.has(name)).flatMap(newTypeNote(observed)),
    ],
  };
}

function factChanges(row: MachineRow, { types }: Observed): Change[] {
  const [name] = row;
  const type = types.get(name);
  if (type === undefined) return [];
  return FACTS.flatMap(([, read], index) => {
    const column = index + 1;
    const from = row[column] ?? null;
    const seen = read(type);
    return Math.abs(Number(from) - seen) <= 1e-6 * seen ? [] : [{ name, column, from, to: rounded(seen) }];
  });
}

function priceChanges(row: MachineRow, { regions }: Observed): Change[] {
  const [name] = row;
  return REGIONS.flatMap((region, index) => {
    const seen = regions.get(region);
    const column = 1 + FACTS.length + index;
    const from = row[column] ?? null;
    if (seen === undefined) return [];
    // Without observed prices, a price can only be removed.
    const price = seen.usdPerHour === null ? from : (seen.usdPerHour.get(name) ?? null);
    const to = seen.offered.has(name) ? price : null;
    return to === from ? [] : [{ name, column, from, to }];
  });
}

/** Facts that the rows of a family share, if AWS states other values. */
function familyNotes(name: string, { types, regions }: Observed): string[] {
  const [ours, theirs] = [findMachineType(name), types.get(name)];
  const isOffered = [...regions.values()].some(({ offered }) => offered.has(name));
  if (!isOffered || ours === undefined || theirs === undefined)
    return [`${name} is no longer offered in any region: remove its row.`];
  return Object.entries(sharedFacts(ours, theirs)).flatMap(([fact, [mine, now]]) =>
    mine === now ? [] : [`${name}: ${fact} is now ${now}, not ${mine}: change its family.`],
  );
}

function sharedFacts(ours: MachineType, theirs: ObservedType): Record<string, [mine: unknown, now: unknown]> {
  return {
    architecture: [ours.architecture, theirs.architecture],
    autoRecovery: [ours.autoRecovery, theirs.autoRecovery],
    spot: [ours.spot, theirs.spot],
    capacityBlocks: [ours.capacityBlocks, theirs.capacityBlocks],
    "gpu.name": [ours.gpu?.name, theirs.gpu?.name],
    "gpu.memoryMib": [ours.gpu?.memoryMib, theirs.gpu?.memoryMib],
    "gpu.partition": [ours.gpu?.partition, theirs.gpu?.partition],
  };
}

/** An NVIDIA or Graviton type without a row, with the row to add. */
function newTypeNote({ regions }: Observed): (type: ObservedType) => string[] {
  return (type) => {
    const isNvidia = type.gpu?.maker === "NVIDIA";
    const isGraviton = type.gpu === null && type.architecture === "arm64" && !isLeftOut(type.name);
    const prices = REGIONS.map((region) => {
      const seen = regions.get(region);
      return seen?.offered.has(type.name) === true ? (seen.usdPerHour?.get(type.name) ?? null) : null;
    });
    const isOffered = [...regions.values()].some(({ offered }) => offered.has(type.name));
    if (!isOffered || !(isNvidia || isGraviton)) return [];
    const row = [type.name, ...FACTS.map(([, read]) => rounded(read(type))), ...prices];
    const what = type.gpu === null ? "Graviton" : `${type.gpu.name}, ${type.gpu.memoryMib} MiB`;
    return [`${type.name} (${what}) is new. Its row: ${inline(row)},`];
  };
}

/** Whether the catalog omits a Graviton type on purpose. It omits no NVIDIA type. */
function isLeftOut(name: string): boolean {
  const [family = "", size = ""] = name.split(".");
  const { families, types, sizes } = hardware.leftOut;
  const isOfLeftOutFamily = Object.values(families).flat().includes(family);
  return isOfLeftOutFamily || types.includes(name) || sizes.some((start) => size.startsWith(start));
}

/** A number without the rounding noise of AWS's arithmetic. */
function rounded(value: number): number {
  return Number(value.toFixed(5));
}
