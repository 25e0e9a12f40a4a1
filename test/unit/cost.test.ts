import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { machineTypes, REGIONS } from "../../plan/catalog/index.ts";
import { HOURS_PER_MONTH } from "../../plan/cost/prices.ts";
import { type CostSpec, NotSold, quote, usdPerMillionTokens } from "../../plan/cost/quote.ts";

const NOTHING: CostSpec = {
  region: "us-east-1",
  machines: [],
  disks: [],
  interfaceEndpoints: 0,
  publicAddresses: 0,
  loadBalancers: 0,
  firewalls: 0,
  alarms: 0,
  transferOutGigabytesMonth: 0,
  registryGigabytes: 0,
  bucketGigabytes: 0,
  machineHoursPerMonth: HOURS_PER_MONTH,
};

const sold = machineTypes().filter(({ usdPerHour }) => usdPerHour["us-east-1"] !== undefined);
const amount = fc.nat(20);
const specs: fc.Arbitrary<CostSpec> = fc.record({
  region: fc.constant("us-east-1" as const),
  machines: fc.array(
    fc.record({ type: fc.constantFrom(...sold.map(({ name }) => name)), count: amount, spot: fc.boolean() }),
    { maxLength: 4 },
  ),
  disks: fc.array(
    fc.record({
      count: amount,
      gibibytes: fc.integer({ min: 8, max: 2000 }),
      mebibytesPerSecond: fc.integer({ min: 125, max: 2000 }),
      operationsPerSecond: fc.integer({ min: 3000, max: 16_000 }),
    }),
    { maxLength: 3 },
  ),
  interfaceEndpoints: amount,
  publicAddresses: amount,
  loadBalancers: fc.nat(2),
  firewalls: fc.nat(1),
  alarms: amount,
  transferOutGigabytesMonth: fc.nat(1000),
  registryGigabytes: fc.nat(20),
  bucketGigabytes: fc.nat(1000),
  machineHoursPerMonth: fc.integer({ min: 0, max: HOURS_PER_MONTH }),
});

describe("a quote", () => {
  test("is the sum of its lines, and its low end never above its high end", () => {
    fc.assert(
      fc.property(specs, (spec) => {
        const { lines, usdPerHour, usdPerMonth } = quote(spec);
        const sum = (pick: (line: (typeof lines)[number]) => number) =>
          lines.reduce((total, line) => total + pick(line), 0);
        expect(usdPerHour.high).toBeCloseTo(
          sum((line) => line.usdPerHour.high),
          6,
        );
        expect(usdPerMonth.low).toBeCloseTo(
          sum((line) => line.usdPerMonth.low),
          6,
        );
        for (const line of lines) {
          expect(line.usdPerHour.low, line.what).toBeLessThanOrEqual(line.usdPerHour.high);
          expect(line.usdPerMonth.low, line.what).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test("never gets cheaper by one machine more, an hour more or a GB more", () => {
    const more: ((spec: CostSpec) => CostSpec)[] = [
      (spec) => ({ ...spec, machines: [...spec.machines, { type: "c8g.large", count: 1, spot: false }] }),
      (spec) => ({ ...spec, machineHoursPerMonth: spec.machineHoursPerMonth + 1 }),
      (spec) => ({ ...spec, transferOutGigabytesMonth: spec.transferOutGigabytesMonth + 1 }),
      (spec) => ({ ...spec, disks: spec.disks.map((disk) => ({ ...disk, gibibytes: disk.gibibytes + 1 })) }),
      (spec) => ({ ...spec, interfaceEndpoints: spec.interfaceEndpoints + 1 }),
    ];
    fc.assert(
      fc.property(specs, fc.constantFrom(...more), (drawn, grow) => {
        // A month has no hour more than all of them.
        const spec = { ...drawn, machineHoursPerMonth: Math.max(0, drawn.machineHoursPerMonth - 1) };
        expect(quote(grow(spec)).usdPerMonth.high).toBeGreaterThanOrEqual(quote(spec).usdPerMonth.high - 1e-6);
      }),
    );
  });

  test("of spot machines ends at the price of the same machines on demand", () => {
    fc.assert(
      fc.property(specs, (spec) => {
        const as = (spot: boolean) => quote({ ...spec, machines: spec.machines.map((order) => ({ ...order, spot })) });
        expect(as(true).usdPerHour.high).toBeCloseTo(as(false).usdPerHour.high, 6);
        expect(as(true).usdPerHour.low).toBeLessThanOrEqual(as(false).usdPerHour.low + 1e-9);
      }),
    );
  });

  test("of machines that run all month is 730 hours of them, and of stopped ones only what is not a machine", () => {
    const spec = { ...NOTHING, machines: [{ type: "c8g.16xlarge", count: 3, spot: false }] };
    const listed = machineTypes().find(({ name }) => name === "c8g.16xlarge")?.usdPerHour["us-east-1"]?.usd;
    expect(quote(spec).usdPerHour.high).toBeCloseTo(3 * (listed ?? Number.NaN), 9);
    expect(quote(spec).usdPerMonth.high).toBeCloseTo(quote(spec).usdPerHour.high * 730, 6);
    const stopped = { ...spec, machineHoursPerMonth: 0, interfaceEndpoints: 4 };
    expect(quote(stopped).usdPerMonth.high).toBeCloseTo(29.2, 6);
  });

  test("counts gp3's included throughput and operations as free, and what is beyond", () => {
    const disk = { count: 1, gibibytes: 250, mebibytesPerSecond: 125, operationsPerSecond: 3000 };
    expect(quote({ ...NOTHING, disks: [disk] }).usdPerMonth.high).toBeCloseTo(20, 6);
    const fast = { ...disk, mebibytesPerSecond: 625, operationsPerSecond: 4000 };
    expect(quote({ ...NOTHING, disks: [fast] }).usdPerMonth.high).toBeCloseTo(20 + 20 + 5, 6);
  });

  test("takes the first 100 GB of a month to the Internet as free", () => {
    const months = [100, 200].map(
      (transferOutGigabytesMonth) => quote({ ...NOTHING, transferOutGigabytesMonth }).usdPerMonth.high,
    );
    expect(months[0]).toBe(0);
    expect(months[1]).toBeCloseTo(9, 6);
  });

  test("says which day its prices are of, and where they are estimates", () => {
    expect(quote(NOTHING).asOf).toMatch(/^\d{4}-\d\d-\d\d$/);
    for (const type of machineTypes()) {
      for (const region of REGIONS) {
        const price = type.usdPerHour[region];
        if (price === undefined) continue;
        const machines = [{ type: type.name, count: 1, spot: false }];
        const said = quote({ ...NOTHING, region, machines }).unknowns.join(" ");
        expect(said.includes("estimates"), `${type.name} in ${region}`).toBe(price.estimated);
      }
    }
  });

  test("refuses a type that is not sold in the region, or that nobody knows", () => {
    const order = (type: string) => ({
      ...NOTHING,
      region: "eu-west-1" as const,
      machines: [{ type, count: 1, spot: false }],
    });
    const unsold = machineTypes().find(({ usdPerHour }) => usdPerHour["eu-west-1"] === undefined)?.name ?? "none";
    expect(() => quote(order(unsold))).toThrow(NotSold);
    expect(() => quote(order(unsold))).toThrow(`${unsold} is not sold on demand in eu-west-1.`);
    expect(() => quote(order("z9.huge"))).toThrow("z9.huge is not in the catalog.");
  });
});

describe("the price of a million tokens", () => {
  test("is that of the published 405B cluster: 7.66 USD an hour at 1.64 tokens per second make 1297 USD", () => {
    const price = usdPerMillionTokens({ low: 7.657, high: 7.657 }, { low: 1.64, high: 1.64 });
    expect(price.low).toBeCloseTo(1297, 0);
    expect(price.high).toBe(price.low);
  });

  test("is lowest for the lowest price at the highest speed", () => {
    const price = usdPerMillionTokens({ low: 1, high: 2 }, { low: 10, high: 20 });
    expect(price.high / price.low).toBeCloseTo(4, 9);
  });
});
