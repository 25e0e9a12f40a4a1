import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { tableText } from "../../cli/catalog/table-file.ts";
import { hardware, machineTable } from "../../plan/catalog/data.ts";
import {
  findMachineType,
  machineTypes,
  PRICES_AS_OF,
  processorBytesPerSecond,
  REGIONS,
  spotRange,
} from "../../plan/catalog/index.ts";
import { COLUMNS, familiesSchema, tableSchema } from "../../plan/catalog/schema.ts";

/** A collection of AWS facts that developers of this project keep beside their checkout; it is not part of the project. */
const REFERENCE = join(import.meta.dirname, "../../../shared/reference/aws-instances.csv");
const types = machineTypes();
/** The day of the reference's prices; once the catalog has been refreshed, the reference tells nothing of it. */
const hasReference = existsSync(REFERENCE) && PRICES_AS_OF === "2026-07-20";

function referenceRows(): Map<string, Record<string, string>> {
  const [head, ...lines] = readFileSync(REFERENCE, "utf8").trim().split("\n");
  const names = head?.split(",") ?? [];
  const rows = lines.map((line) => {
    const values = line.split(",");
    return Object.fromEntries(names.map((name, index) => [name, values[index] ?? ""]));
  });
  return new Map(rows.map((row) => [`${row["instance_type"]} ${row["region"]}`, row]));
}

/** One of our rows in the words and numbers of the reference. */
function asReference(name: string, region: (typeof REGIONS)[number]): Record<string, unknown> {
  const type = findMachineType(name);
  const price = type?.usdPerHour[region];
  return {
    arch: type?.architecture,
    vcpus: type?.vcpus,
    mem_gib: (type?.memoryMib ?? 0) / 1024,
    gpu: type?.gpu?.name ?? "",
    gpu_count: type?.gpus,
    gpu_partition: type?.gpu?.partition ?? 0,
    gpu_mem_mib_each: type?.gpu?.memoryMib ?? 0,
    net_base_gbps: type?.networkBaseGbps,
    net_peak_gbps: type?.networkBurstGbps,
    ebs_base_MBps: type?.diskBaseMegabytesPerSecond,
    ebs_max_MBps: type?.diskBurstMegabytesPerSecond,
    instance_store_gb: type?.nvmeGigabytes,
    auto_recovery: Number(type?.autoRecovery),
    spot_ok: Number(type?.spot),
    capacity_block: Number(type?.capacityBlocks),
    usd_hour: price?.usd ?? null,
    estimated: price?.estimated ?? false,
    spot_usd_hour_sample: machineTable.spotUsdPerHour[name]?.[region] ?? null,
  };
}

function fromReference(row: Record<string, string>): Record<string, unknown> {
  const number = (name: string) => Number(row[name] || 0);
  const optional = (name: string) => (row[name] ? Number(row[name]) : null);
  const counted = ["vcpus", "mem_gib", "gpu_count", "gpu_partition", "gpu_mem_mib_each", "net_base_gbps"];
  const rates = ["net_peak_gbps", "ebs_base_MBps", "ebs_max_MBps", "instance_store_gb"];
  const flags = ["auto_recovery", "spot_ok", "capacity_block"];
  return {
    ...Object.fromEntries([...counted, ...rates, ...flags].map((name) => [name, number(name)])),
    arch: row["arch"] === "arm64" ? "arm64" : "amd64",
    gpu: row["gpu"],
    usd_hour: optional("usd_hour"),
    estimated: /^(assumed|derived)/.test(row["price_source"] ?? ""),
    spot_usd_hour_sample: optional("spot_usd_hour_sample"),
  };
}

describe("the catalog's files", () => {
  test("are as their schemas say, which the planner does not check again", () => {
    expect(tableSchema.safeParse(machineTable).error).toBeUndefined();
    expect(familiesSchema.safeParse(hardware).error).toBeUndefined();
  });

  test.each<[what: string, spoil: (table: typeof machineTable) => void]>([
    ["a price that is no number", (table) => void Object.assign(table.types[0] ?? [], { 9: "~cheap" })],
    ["a row without its last price", (table) => void table.types[0]?.pop()],
    ["columns in another order", (table) => void table.columns.reverse()],
    ["a day that is none", (table) => void Object.assign(table, { pricesAsOf: "2026-02-30" })],
    [
      "a spot sample of a region that the catalog does not have",
      (table) => void Object.assign(table.spotUsdPerHour, { "g6.xlarge": { "ap-south-1": 1 } }),
    ],
  ])("are refused by the schema with %s", (_, spoil) => {
    const table = structuredClone(machineTable);
    spoil(table);
    expect(tableSchema.safeParse(table).success).toBe(false);
  });

  test("are written by a refresh as they lie there, byte for byte, if nothing changes", () => {
    const text = readFileSync(join(import.meta.dirname, "../../plan/catalog/types.json"), "utf8");
    expect(tableText(tableSchema.parse(JSON.parse(text)))).toBe(text);
    expect(COLUMNS).toHaveLength(machineTable.types[0]?.length ?? 0);
  });

  test("hold no family, processor or GPU that no type has", () => {
    const families = Object.keys(hardware.families);
    const isUsed = (name: string) => types.some((type) => [type.name, type.family].includes(name));
    expect(families.filter((name) => !isUsed(name))).toEqual([]);
    const listed = Object.values(hardware.families);
    expect(new Set(listed.map(({ processor }) => processor))).toEqual(new Set(Object.keys(hardware.processors)));
    expect(new Set(listed.flatMap(({ gpu }) => gpu ?? []))).toEqual(new Set(Object.keys(hardware.gpus)));
  });
});

describe("the catalog of machine types", () => {
  test.skipIf(!hasReference)(
    "equals the reference in every number of every row (skipped where there is no reference beside the checkout)",
    () => {
      const rows = referenceRows();
      const ours = types.flatMap(({ name }) => REGIONS.map((region) => ({ name, region })));
      const compared = ours.filter(({ name, region }) => {
        const row = rows.get(`${name} ${region}`);
        if (row === undefined) {
          expect(
            findMachineType(name)?.usdPerHour[region],
            `${name} is not offered in ${region}: remove its price`,
          ).toBeUndefined();
          return false;
        }
        expect(asReference(name, region), `${name} in ${region}: correct its row in plan/catalog/types.json`).toEqual(
          fromReference(row),
        );
        // The reference lacks that of the newest GPUs.
        const capability = Number(row["cuda_cc"] || 0);
        if (capability > 0) expect(findMachineType(name)?.gpu?.computeCapability, name).toBe(capability);
        return true;
      });
      expect(compared.length).toBeGreaterThan(500);
    },
  );

  test.skipIf(!hasReference)(
    "has every NVIDIA type of the reference (skipped where there is none beside the checkout)",
    () => {
      const lacking = [...referenceRows().values()]
        .filter((row) => row["gpu"] !== "")
        .map((row) => row["instance_type"] ?? "")
        .filter((name) => findMachineType(name) === undefined);
      expect([...new Set(lacking)], "add a row for each in plan/catalog/types.json").toEqual([]);
    },
  );

  test("names every type once, the family before the size", () => {
    expect(new Set(types.map(({ name }) => name)).size).toBe(types.length);
    for (const { name } of types) expect(name).toMatch(/^[a-z]+\d[a-z0-9-]*\.(metal|\d*x?large)$/);
  });

  test("has numbers that can be true: memory, processors, networks and disks above zero, bursts not below the base", () => {
    for (const type of types) {
      expect(
        Math.min(type.vcpus, type.memoryMib, type.networkBaseGbps, type.diskBaseMegabytesPerSecond),
        type.name,
      ).toBeGreaterThan(0);
      expect(type.networkBurstGbps, type.name).toBeGreaterThanOrEqual(type.networkBaseGbps);
      expect(type.diskBurstMegabytesPerSecond, type.name).toBeGreaterThanOrEqual(type.diskBaseMegabytesPerSecond);
      expect(type.gpus > 0, `${type.name}: GPUs and their kind go together`).toBe(type.gpu !== null);
    }
  });

  test("prices every type in us-east-1 by what was read, but for the one that is sold in capacity blocks only", () => {
    const unpriced = types.filter(({ usdPerHour }) => usdPerHour["us-east-1"] === undefined).map(({ name }) => name);
    expect(unpriced).toEqual(["p5e.48xlarge"]);
    const estimated = types.filter(({ usdPerHour }) => usdPerHour["us-east-1"]?.estimated);
    expect(estimated).toEqual([]);
  });

  test("never lets a bigger size of a family cost less", () => {
    const families = Map.groupBy(types, ({ family }) => family);
    for (const [family, members] of families) {
      const bySize = members.filter(({ gpu }) => gpu === null).sort((a, b) => a.vcpus - b.vcpus);
      const prices = bySize.map(({ usdPerHour }) => usdPerHour["us-east-1"]?.usd ?? 0);
      expect(prices, family).toEqual(prices.toSorted((a, b) => a - b));
    }
  });

  test("gives spot a range that ends at the on-demand price and begins at a sample where there is one", () => {
    const sampled = Object.entries(machineTable.spotUsdPerHour).flatMap(([name, samples]) =>
      REGIONS.filter((region) => samples[region] !== undefined).map((region) => ({ name, region })),
    );
    expect(sampled.length).toBeGreaterThan(0);
    for (const { name, region } of sampled) {
      const type = findMachineType(name);
      expect(type && spotRange(type, region), `${name} in ${region}: correct it in plan/catalog/types.json`).toEqual({
        lowUsd: machineTable.spotUsdPerHour[name]?.[region],
        highUsd: type?.usdPerHour[region]?.usd,
        sampled: true,
      });
    }
    for (const type of types) {
      for (const region of REGIONS) {
        const range = spotRange(type, region);
        if (range !== null) expect(range.lowUsd, `${type.name} in ${region}`).toBeLessThan(range.highUsd);
      }
    }
    const hpc = findMachineType("hpc7g.16xlarge");
    expect(hpc && spotRange(hpc, "us-east-1"), "hpc7g is never sold as spot").toBeNull();
  });

  test("gives 64 of Graviton4's 96 vCPUs two thirds of its memory bandwidth", () => {
    const type = findMachineType("c8g.16xlarge");
    expect(type && processorBytesPerSecond(type)).toBeCloseTo((2 / 3) * 537.6e9, -6);
  });

  test("expects little of a second socket, whose memory the first reaches over a link", () => {
    const bandwidth = (name: string) => {
      const type = findMachineType(name);
      return type === undefined ? Number.NaN : processorBytesPerSecond(type);
    };
    const gain = bandwidth("c8g.48xlarge") / bandwidth("c8g.24xlarge");
    expect(gain).toBeGreaterThan(1);
    expect(gain, "twice the bandwidth is what nobody has measured").toBeLessThan(1.3);
  });
});
