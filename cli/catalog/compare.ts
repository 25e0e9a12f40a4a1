/** Holds the catalog against what AWS says: cells that have another value now, and what only a person can decide. */

import { findMachineType, type MachineType, REGIONS } from "../../plan/catalog/index.ts";
import { isLeftOut } from "../../plan/catalog/left-out.ts";
import type { Observed, ObservedType } from "./observed.ts";
import type { Change, Row } from "./rows.ts";

/** What AWS states of a type, in the order of the columns behind the name. */
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

/** Names of a row's columns. */
export const COLUMNS: readonly string[] = [
  "name",
  ...FACTS.map(([name]) => name),
  ...REGIONS.map((region) => `USD/h in ${region}`),
];

/** What differs. */
export interface Differences {
  changes: Change[];
  /** What no rewriting of a cell can mend, one sentence each. */
  forAPerson: string[];
}

/** Compares every row, and looks for types that have none. */
export function compare(rows: readonly Row[], observed: Observed): Differences {
  const known = new Set(rows.map(({ name }) => name));
  return {
    changes: rows.flatMap((row) => [...factChanges(row, observed), ...priceChanges(row, observed)]),
    forAPerson: [
      ...rows.flatMap(({ name }) => familyNotes(name, observed)),
      ...[...observed.types.values()].filter(({ name }) => !known.has(name)).flatMap(newTypeNote(observed)),
    ],
  };
}

function factChanges({ name, cells }: Row, { types }: Observed): Change[] {
  const type = types.get(name);
  if (type === undefined) return [];
  return FACTS.flatMap(([, read], index) => {
    const [from, now] = [cells[index + 1] ?? "", read(type)];
    return Math.abs(Number(from) - now) <= 1e-6 * now ? [] : [{ name, column: index + 1, from, to: written(now) }];
  });
}

function priceChanges({ name, cells }: Row, { regions }: Observed): Change[] {
  return REGIONS.flatMap((region, index) => {
    const seen = regions.get(region);
    const column = 1 + FACTS.length + index;
    const from = cells[column] ?? "";
    if (seen === undefined) return [];
    const price = seen.usdPerHour?.get(name);
    // Where prices were not asked for, one can only be taken away.
    const kept = seen.usdPerHour === null ? from : price === undefined ? "null" : String(price);
    const to = seen.offered.has(name) ? kept : "null";
    return to === from ? [] : [{ name, column, from, to }];
  });
}

/** What a family's rows share and AWS now states otherwise. */
function familyNotes(name: string, { types, regions }: Observed): string[] {
  const [ours, theirs] = [findMachineType(name), types.get(name)];
  if (ours === undefined) return [`${name} has a row in a file that the catalog does not load: remove it.`];
  const isOffered = [...regions.values()].some(({ offered }) => offered.has(name));
  if (!isOffered || theirs === undefined) return [`${name} is offered in no region any more: remove its row.`];
  return Object.entries(sharedFacts(ours, theirs)).flatMap(([fact, [mine, now]]) =>
    mine === now ? [] : [`${name}: ${fact} is ${now} now, not ${mine}: change its family.`],
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

/** A type that is NVIDIA's or a Graviton one and has no row, with the row that it would have. */
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
    const row = [JSON.stringify(type.name), ...FACTS.map(([, read]) => written(read(type))), ...prices.map(String)];
    const what = type.gpu === null ? "Graviton" : `${type.gpu.name}, ${type.gpu.memoryMib} MiB`;
    return [`${type.name} (${what}) is new. Its row: [${row.join(", ")}],`];
  };
}

/** A number as a row has it. */
function written(value: number): string {
  return String(Number(value.toFixed(5)));
}
