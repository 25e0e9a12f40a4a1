/** Updates the catalog's table with AWS's answers. */

import { REGIONS } from "../../plan/catalog/index.ts";
import { type MachineTable, tableSchema } from "../../plan/catalog/schema.ts";
import type { Change } from "./compare.ts";
import type { Observed } from "./observed.ts";

/** What was read from AWS, and when. */
export interface Reading {
  observed: Observed;
  /** `2026-11-22`. */
  today: string;
  /** Whether prices were read. */
  prices: boolean;
}

/** The table with the changes and the day; if prices were read, also with their day and the spot samples. */
export function refreshed(table: MachineTable, changes: readonly Change[], reading: Reading): MachineTable {
  const { observed, today, prices } = reading;
  const dated = { ...table, typesAsOf: today, types: withChanges(table.types, changes) };
  if (!prices) return dated;
  return {
    ...dated,
    pricesAsOf: today,
    pricesSource: "AWS Price List API, Linux on demand",
    spotSource: `EC2 DescribeSpotPriceHistory, the cheapest zone on ${today}`,
    spotUsdPerHour: spotSamples(observed),
  };
}

/** Rows with the changed cells, in the same order. */
export function withChanges(rows: MachineTable["types"], changes: readonly Change[]): MachineTable["types"] {
  const byName = Map.groupBy(changes, ({ name }) => name);
  const next = rows.map((row) => {
    const mine = byName.get(row[0]) ?? [];
    return row.map((cell, column) => (mine.find((change) => change.column === column) ?? { to: cell }).to);
  });
  return tableSchema.shape.types.parse(next);
}

/** A sample is the price in the cheapest zone; it is left out if it is not below the on-demand price. */
function spotSamples({ regions }: Observed): MachineTable["spotUsdPerHour"] {
  const names = new Set([...regions.values()].flatMap(({ spotUsdPerHour }) => [...(spotUsdPerHour?.keys() ?? [])]));
  const samples = [...names].sort().map((name) => {
    const byRegion = REGIONS.flatMap((region) => {
      const seen = regions.get(region);
      const [spot, onDemand] = [seen?.spotUsdPerHour?.get(name), seen?.usdPerHour?.get(name)];
      return spot !== undefined && onDemand !== undefined && spot < onDemand ? [[region, spot] as const] : [];
    });
    return [name, Object.fromEntries(byRegion)] as const;
  });
  return Object.fromEntries(samples.filter(([, byRegion]) => Object.keys(byRegion).length > 0));
}
