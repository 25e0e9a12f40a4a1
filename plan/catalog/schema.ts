/**
 * What the catalog's two files must look like. `npm run catalog:refresh` and a unit test hold the files against this; the
 * planner only takes the types from here, because the check takes about 20 ms and the files change only by a commit.
 */

import * as z from "zod";
import { REGIONS } from "../../config/regions.ts";

/** Names of a row's cells, in their order; the last ones are the regions' prices. */
export const COLUMNS = [
  "name",
  "vcpus",
  "memoryGib",
  "gpus",
  "networkBaseGbps",
  "networkBurstGbps",
  "diskBaseMegabytesPerSecond",
  "diskBurstMegabytesPerSecond",
  "nvmeGigabytes",
  ...REGIONS,
] as const;

const day = z.iso.date();
const count = z.int().nonnegative();
const positive = z.number().positive();

/** US dollars per hour as read from a price list; `"~1.25"` is estimated from another region's; null: not sold on demand. */
const price = z.union([positive, z.templateLiteral(["~", positive]), z.null()]);

const row = z.tuple([
  z.string().regex(/^[a-z0-9-]+\.[a-z0-9-]+$/),
  count.positive(),
  positive,
  count,
  positive,
  positive,
  positive,
  positive,
  count,
  price,
  price,
  price,
  price,
]);

/** `types.json`: what AWS states, one row for each machine type. */
export const tableSchema = z.strictObject({
  /** The day on which AWS stated the numbers of the types, and by which call. */
  typesAsOf: day,
  typesSource: z.string(),
  /** The day of the on-demand prices, and where they are from. */
  pricesAsOf: day,
  pricesSource: z.string(),
  spotSource: z.string(),
  columns: z.array(z.string()).refine((names) => names.join() === COLUMNS.join(), `must be ${COLUMNS.join(", ")}`),
  types: z.array(row),
  /** Spot prices that were seen, one sample each, in US dollars per hour; rough, because they move daily and differ by zone. */
  spotUsdPerHour: z.record(z.string(), z.partialRecord(z.enum(REGIONS), positive)),
});

/** `families.json`: what a whole family shares and what AWS does not state, kept by hand with the sources. */
export const familiesSchema = z.strictObject({
  /** Where the figures are from, by the field. */
  sources: z.record(z.string(), z.string()),
  processors: z.record(
    z.string(),
    z.strictObject({
      architecture: z.enum(["amd64", "arm64"]),
      /** vCPUs of the whole machine. */
      vcpus: count.positive(),
      sockets: count.positive(),
      gigabytesPerSecondPerSocket: positive,
      gigaflopsPerVcpu: positive,
      /** Memory of a socket that the bandwidth follows from. */
      memory: z.string(),
    }),
  ),
  gpus: z.record(
    z.string(),
    z.strictObject({
      /** As EC2 says it. */
      name: z.string(),
      /** Memory of the whole GPU as EC2 reports it. */
      memoryMib: count.positive(),
      gigabytesPerSecond: positive,
      teraflops: positive,
      computeCapability: positive,
      source: z.string(),
    }),
  ),
  /** By family, or by the full name of a type that differs from the rest of its family. */
  families: z.record(
    z.string(),
    z.strictObject({
      processor: z.string(),
      gpu: z.string().optional(),
      /** Part of the GPU that a type gets; the whole one if nothing is said. */
      partition: positive.max(1).optional(),
      autoRecovery: z.boolean(),
      spot: z.boolean(),
      capacityBlocks: z.boolean(),
      note: z.string().optional(),
    }),
  ),
  /** Graviton types that the catalog leaves out on purpose, so that a refresh reports only what nobody has looked at. */
  leftOut: z.strictObject({
    /** By the reason. */
    families: z.record(z.string(), z.array(z.string())),
    types: z.array(z.string()),
    /** How the name of a size begins. */
    sizes: z.array(z.string()),
  }),
});

export type MachineTable = z.infer<typeof tableSchema>;
export type MachineRow = MachineTable["types"][number];
export type Families = z.infer<typeof familiesSchema>;
