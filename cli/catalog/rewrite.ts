/** Writes what AWS says into the catalog's files. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../config/errors.ts";
import { REGIONS } from "../../plan/catalog/index.ts";
import type { Observed } from "./observed.ts";
import { type Change, type Row, rowsOf, withChanges } from "./rows.ts";

/** Files with rows, and the two others that are written. */
const ROW_FILES = ["graviton-c.ts", "graviton-mr.ts", "nvidia-g.ts", "nvidia-p.ts"] as const;
const DATES = "dates.ts";
const SPOT = "spot.ts";

/** Every row of the catalog. */
export function catalogRows(directory: string): Row[] {
  return ROW_FILES.flatMap((file) => rowsOf(readFileSync(join(directory, file), "utf8")));
}

/** What was read, and when. */
export interface Reading {
  observed: Observed;
  /** `2026-11-22`. */
  today: string;
  /** Whether prices were read too. */
  prices: boolean;
}

/**
 * Writes the changes, and where prices were read, their day and the spot samples.
 * @returns paths of the files that are different now
 */
export function rewriteCatalog(directory: string, changes: readonly Change[], reading: Reading): string[] {
  const rowFiles = ROW_FILES.map((file) => written(join(directory, file), (text) => withChanges(text, changes)));
  const others = [
    written(join(directory, DATES), (text) => withDates(text, reading)),
    written(join(directory, SPOT), (text) => (reading.prices ? withSpotSamples(text, reading) : text)),
  ];
  return [...rowFiles, ...others].flat();
}

function written(path: string, edit: (text: string) => string): string[] {
  const before = readFileSync(path, "utf8");
  const after = edit(before);
  if (after === before) return [];
  writeFileSync(path, after);
  return [path];
}

function withDates(text: string, { today, prices }: Reading): string {
  const dated = replaced(text, /(TYPES_AS_OF = )"[^"]*"/, `$1"${today}"`);
  if (!prices) return dated;
  const withDay = replaced(dated, /(PRICES_AS_OF = )"[^"]*"/, `$1"${today}"`);
  return replaced(withDay, /(PRICES_SOURCE = )"[^"]*"/, '$1"AWS Price List API, Linux on demand"');
}

/** A sample is what the cheapest zone asks; one that is not below the on-demand price tells nothing. */
function withSpotSamples(text: string, { observed, today }: Reading): string {
  const names = [
    ...new Set([...observed.regions.values()].flatMap(({ spotUsdPerHour }) => [...(spotUsdPerHour?.keys() ?? [])])),
  ];
  const lines = names.sort().flatMap((name) => {
    const samples = REGIONS.flatMap((region) => {
      const seen = observed.regions.get(region);
      const [spot, onDemand] = [seen?.spotUsdPerHour?.get(name), seen?.usdPerHour?.get(name)];
      return spot !== undefined && onDemand !== undefined && spot < onDemand ? [`"${region}": ${spot}`] : [];
    });
    return samples.length === 0 ? [] : [`  "${name}": { ${samples.join(", ")} },`];
  });
  const table = replaced(text, /(SPOT_SAMPLES[^{]*= \{\n)[\s\S]*?(\n\};)/, `$1${lines.join("\n")}$2`);
  return replaced(table, /( \* Source: )[^\n]*/, `$1EC2 DescribeSpotPriceHistory, the cheapest zone on ${today}.`);
}

/** A file that somebody has changed so that its place is not found must not be taken for written. */
function replaced(text: string, place: RegExp, by: string): string {
  if (!place.test(text)) throw new UserError(`The catalog's file has no ${place.source}: cli/catalog/ writes there.`);
  return text.replace(place, by);
}
