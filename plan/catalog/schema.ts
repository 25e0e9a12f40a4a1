/**
 * Schemas of the catalog's two files. `npm run catalog:refresh` and a unit test check the files. The planner imports only
 * the types, because the check takes about 20 ms and the files change only with a commit.
 */

import * as z from "zod";
import { REGIONS } from "../../config/regions.ts";

/** Names of a row's cells, in their order. The last ones are the prices of the regions. */
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

/** US dollars per hour from a price list; `"~1.25"` is estimated from another region's price; null: not sold on demand. */
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

/** `types.json`: data from AWS, one row for each machine type. */
export const tableSchema = z.strictObject({
  /** The day of the types' data, and the call of AWS's API that returned it. */
  typesAsOf: day,
  typesSource: z.string(),
  /** The day of the on-demand prices, and their source. */
  pricesAsOf: day,
  pricesSource: z.string(),
  spotSource: z.string(),
  columns: z.array(z.string()).refine((names) => names.join() === COLUMNS.join(), `must be ${COLUMNS.join(", ")}`),
  types: z.array(row),
  /** Samples of spot prices in US dollars per hour, one each. They are rough, because prices change daily and by zone. */
  spotUsdPerHour: z.record(z.string(), z.partialRecord(z.enum(REGIONS), positive)),
});

/** `families.json`: data that a whole family shares and that AWS does not publish, edited by hand, with sources. */
export const familiesSchema = z.strictObject({
  /** Sources of the figures, by field. */
  sources: z.record(z.string(), z.string()),
  processors: z.record(
    z.string(),
    z.strictObject({
      architecture: z.enum(["amd64", "arm64"]),
      /** Number of vCPUs of the whole machine. */
      vcpus: count.positive(),
      sockets: count.positive(),
      gigabytesPerSecondPerSocket: positive,
      gigaflopsPerVcpu: positive,
      /** Memory of a socket, from which the bandwidth is derived. */
      memory: z.string(),
    }),
  ),
  gpus: z.record(
    z.string(),
    z.strictObject({
      /** EC2's name. */
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
      /** Part of the GPU that a type gets. @default 1 */
      partition: positive.max(1).optional(),
      autoRecovery: z.boolean(),
      spot: z.boolean(),
      capacityBlocks: z.boolean(),
      note: z.string().optional(),
    }),
  ),
  /** Graviton types that the catalog omits on purpose, so that a refresh reports only types that are new. */
  leftOut: z.strictObject({
    /** Families by the reason. */
    families: z.record(z.string(), z.array(z.string())),
    types: z.array(z.string()),
    /** Prefixes of the names of sizes. */
    sizes: z.array(z.string()),
  }),
});

export type MachineTable = z.infer<typeof tableSchema>;
export type MachineRow = MachineTable["types"][number];
export type Families = z.infer<typeof familiesSchema>;
