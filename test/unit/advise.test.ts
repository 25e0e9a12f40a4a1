import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { modelFacts } from "../../bench/support/models.ts";
import { publishedModel } from "../../bench/support/published-cluster.ts";
import { stackFile } from "../../cli/advise/stack-file.ts";
import { parseCluster } from "../../config/parse.ts";
import type { ClusterConfig } from "../../config/schema/index.ts";
import { PROJECT_NAME } from "../../config/stack.ts";
import { searchContextOf } from "../../plan/advise/context.ts";
import { type Advice, search, winnersOf, withoutNoise } from "../../plan/advise/search.ts";
import { warningsOf } from "../../plan/advise/warnings.ts";
import { findMachineType, type MachineType, machineTypes } from "../../plan/catalog/index.ts";
import { costOf } from "../../plan/cost/bill.ts";
import { resolve, resolveOnAws } from "../../plan/hosts/resolve.ts";
import { type ModelFacts, planCluster } from "../../plan/index.ts";
import { performanceOf } from "../../plan/performance.ts";
import { place } from "../../plan/placement/index.ts";
import { machineOrders } from "../../plan/resources/machines.ts";
import { formatAdvice } from "../../report/text-advice.ts";

type Values = Partial<Record<"region" | "budget" | "contextTokens", unknown>>;

function configured({ region = "us-east-1", budget, contextTokens = 4096 }: Values = {}): ClusterConfig {
  return parseCluster(
    {
      target: "aws",
      aws: { region },
      model: { source: "hf:somebody/something/model.gguf", contextTokens },
      front: { machine: "c8g.large" },
      backends: [{ name: "any", machine: "c8g.large" }],
      limits: budget === undefined ? {} : { maxHourlyUsd: budget },
    },
    "plan",
  );
}

const named = (names: readonly string[]): MachineType[] =>
  names.map((name) => {
    const type = findMachineType(name);
    if (type === undefined) throw new Error(`the catalog has no ${name}: choose another type for this test`);
    return type;
  });

/** A front for each architecture's pools is among them, and GPUs of both architectures. */
const POOLS = ["m8g.large", "c8g.2xlarge", "g4dn.xlarge", "g4dn.12xlarge", "g5g.xlarge", "g6.2xlarge"];
const FRONTS = ["c7g.large", "r7g.large", "c8gn.xlarge"];

/** Models of up to 20 GB: some fit on one device, some on none of the types; some vocabularies are too big for a small front. */
const models = fc
  .record({
    layers: fc.integer({ min: 3, max: 16 }),
    width: fc.integer({ min: 4, max: 14 }),
    vocabularyTokens: fc.constantFrom(32_000, 400_000),
  })
  .map(({ layers, width, vocabularyTokens }) => {
    const embeddingLength = width * 512;
    return modelFacts({
      layers,
      embeddingLength,
      heads: embeddingLength / 128,
      keyValueHeads: 4,
      headLength: 128,
      feedForwardLength: 4 * embeddingLength,
      vocabularyTokens,
    });
  });

const wishes = fc.record({
  pools: fc.subarray(POOLS, { minLength: 1, maxLength: 3 }),
  region: fc.constantFrom("us-east-1", "eu-central-1"),
  spot: fc.boolean(),
  budget: fc.option(fc.double({ min: 0.3, max: 6, noNaN: true }), { nil: undefined }),
  minTokensPerSecond: fc.option(fc.double({ min: 1, max: 60, noNaN: true }), { nil: null }),
});

/** What counts of a cluster here. */
interface Measured {
  usd: number;
  mostUsd: number;
  tokensPerSecond: number;
}

/** Every cluster of up to four machines of one type that holds the model, planned one by one. */
function everyCluster(
  facts: ModelFacts,
  types: readonly MachineType[],
  base: ClusterConfig,
  spot: boolean,
): Measured[] {
  const fronts = types.filter(({ gpu }) => gpu === null);
  return types
    .filter((type) => !spot || type.spot)
    .flatMap((type) => fronts.flatMap((front) => [1, 2, 3, 4].map((count) => ({ type, front, count }))))
    .flatMap(({ type, front, count }): Measured[] => {
      const pool = {
        name: "any",
        machine: type.name,
        count,
        market: spot ? ("spot" as const) : ("on-demand" as const),
      };
      const cluster = resolveOnAws({ ...base, front: { ...base.front, machine: front.name }, backends: [pool] });
      if (cluster.backends.length > 15) return [];
      const placement = place(cluster, facts);
      if (placement === null || !placement.fits || placement.frontLayers > 0) return [];
      const speed = performanceOf(cluster, facts, placement)?.speed ?? null;
      const usdPerHour = costOf(cluster, facts, machineOrders(cluster, facts), speed)?.usdPerHour;
      if (speed === null || usdPerHour === undefined) return [];
      const { low, high } = usdPerHour;
      return [{ usd: (low + high) / 2, mostUsd: high, tokensPerSecond: speed.decode.tokensPerSecond }];
    });
}

const least = (values: readonly number[]) => Math.min(Number.POSITIVE_INFINITY, ...values);
const perToken = ({ usd, tokensPerSecond }: Measured) => usd / tokensPerSecond;
const ofAdvice = ({ usdPerHour, cost, speed }: Advice): Measured => ({
  usd: usdPerHour,
  mostUsd: cost.usdPerHour.high,
  tokensPerSecond: speed.decode.tokensPerSecond,
});

describe("the search for clusters", () => {
  test("finds the cheapest, the fastest and the best value of all that there are", () => {
    let compared = 0;
    fc.assert(
      fc.property(models, wishes, (facts, { pools, region, spot, budget, minTokensPerSecond }) => {
        const types = named([...new Set([...pools, ...FRONTS])]);
        const base = configured({ region, budget });
        const found = search(facts, { base, spot, minTokensPerSecond, types });
        const allowed = everyCluster(facts, types, base, spot).filter(
          ({ mostUsd, tokensPerSecond }) =>
            mostUsd <= (budget ?? Number.POSITIVE_INFINITY) && tokensPerSecond >= (minTokensPerSecond ?? 0),
        );
        const winners = winnersOf(found);
        expect(winners === null).toBe(allowed.length === 0);
        if (winners === null) return;
        compared += allowed.length;
        expect(winners.cheapest.usdPerHour).toBeLessThanOrEqual(least(allowed.map(({ usd }) => usd)) + 1e-9);
        expect(1 / ofAdvice(winners.fastest).tokensPerSecond).toBeLessThanOrEqual(
          least(allowed.map(({ tokensPerSecond }) => 1 / tokensPerSecond)) + 1e-12,
        );
        expect(perToken(ofAdvice(winners.value))).toBeLessThanOrEqual(least(allowed.map(perToken)) + 1e-12);
      }),
      { numRuns: 25 },
    );
    expect(compared, "clusters that were compared with the winners").toBeGreaterThan(100);
  });

  test("begins each pool with no more machines than do", () => {
    const base = configured();
    fc.assert(
      fc.property(models, fc.constantFrom(...POOLS, ...FRONTS), (facts, name) => {
        const [type] = named([name]);
        if (type === undefined) return;
        const holds = (count: number) => {
          const backends = [{ name: "any", machine: name, count }];
          const holder = resolve({ ...base, front: { ...base.front, machine: "r7g.4xlarge" }, backends });
          const placement = place(holder, facts);
          return placement?.fits === true && placement.frontLayers === 0;
        };
        const counts = Array.from({ length: type.gpu === null ? 8 : 3 }, (_, index) => index + 1);
        const enough = counts.find(holds);
        const least = searchContextOf({ base, spot: false, minTokensPerSecond: null }, facts).leastPool(type)?.count;
        expect(least ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(enough ?? Number.POSITIVE_INFINITY);
      }),
      { numRuns: 60 },
    );
  });

  test("proposes what is within the limits, and what a plan of its stack file says too", () => {
    let planned = 0;
    fc.assert(
      fc.property(models, wishes, (facts, { pools, region, spot, budget, minTokensPerSecond }) => {
        const types = named([...new Set([...pools, ...FRONTS])]);
        for (const advice of search(facts, { base: configured({ region, budget }), spot, minTokensPerSecond, types })) {
          expect(advice.cost.usdPerHour.high).toBeLessThanOrEqual(budget ?? Number.POSITIVE_INFINITY);
          expect(advice.speed.decode.tokensPerSecond).toBeGreaterThanOrEqual(minTokensPerSecond ?? 0);
          const plan = planned++ < 60 ? planOf(advice, facts) : null;
          if (plan === null) continue;
          expect(plan.region).toBe(region);
          expect(plan.machines.slice(1).map(({ market }) => market)).toEqual(
            Array.from({ length: advice.count }, () => (spot ? "spot" : "on-demand")),
          );
          expect({ speed: plan.speed, load: plan.load, cost: plan.cost }).toEqual({
            speed: advice.speed,
            load: advice.load,
            cost: advice.cost,
          });
          expect(plan.findings.filter(({ severity }) => severity === "error")).toEqual([]);
          expect(plan.front.layers).toBeNull();
        }
      }),
      { numRuns: 40 },
    );
    expect(planned).toBeGreaterThan(20);
  });

  test("finds clusters for a big model, none slower and dearer than another, none with a front that keeps the others waiting", () => {
    const facts = publishedModel();
    const found = search(facts, { base: configured(), spot: false, minTokensPerSecond: null });
    const speeds = found.map(({ speed }) => speed.decode.tokensPerSecond);
    const prices = found.map(({ usdPerHour }) => usdPerHour);
    expect(found.length).toBeGreaterThan(3);
    expect(prices).toEqual(prices.toSorted((a, b) => a - b));
    expect(speeds).toEqual(speeds.toSorted((a, b) => a - b));
    expect(new Set(speeds).size).toBe(speeds.length);
    for (const advice of Object.values<Advice>({ ...winnersOf(found) })) {
      const plan = planOf(advice, facts);
      expect(plan.findings.filter(({ severity }) => severity === "error")).toEqual([]);
      expect(plan.speed).toEqual(advice.speed);
      const { networkBaseGbps } = findMachineType(advice.front) ?? { networkBaseGbps: 0 };
      expect(facts.fileBytes / ((networkBaseGbps * 1e9) / 8), "seconds through the front's network").toBeLessThan(360);
    }
  });

  test("takes fewer or smaller machines when a shorter context or a smaller cache leaves room", () => {
    const facts = publishedModel();
    const cheapest = (contextTokens: number) =>
      search(facts, { base: configured({ contextTokens }), spot: false, minTokensPerSecond: null })[0]?.usdPerHour;
    expect(cheapest(131_072)).toBeGreaterThan(cheapest(1024) ?? Number.POSITIVE_INFINITY);
  });

  test("finds nothing for a model that no fifteen devices hold", () => {
    const facts = publishedModel();
    const huge = {
      ...facts,
      weights: { ...facts.weights, layerBytes: facts.weights.layerBytes.map((bytes) => bytes * 500) },
    };
    expect(search(huge, { base: configured(), spot: false, minTokensPerSecond: null })).toEqual([]);
    expect(winnersOf([])).toBeNull();
  });

  test("offers only what is sold in the region and has a driver, and as spot only what has such a market", () => {
    const facts = modelFacts({ layers: 8 });
    const left = {
      unsold: machineTypes().filter(({ usdPerHour }) => usdPerHour["eu-west-1"] === undefined),
      noDriver: machineTypes().filter(({ gpu }) => gpu !== null && gpu.partition < 1),
      noSpot: machineTypes().filter(({ spot, gpu }) => !spot && gpu === null),
    };
    const machines = (others: readonly MachineType[], region: string, spot: boolean) => {
      expect(others.length).toBeGreaterThan(0);
      const types = [...others, ...named(["c8g.large"])];
      const found = search(facts, { base: configured({ region }), spot, minTokensPerSecond: null, types });
      return new Set(found.map(({ machine }) => machine));
    };
    expect(machines(left.unsold, "eu-west-1", false)).toEqual(new Set(["c8g.large"]));
    expect(machines(left.noDriver, "us-east-1", false)).toEqual(new Set(["c8g.large"]));
    expect(machines(left.noSpot, "us-east-1", true)).toEqual(new Set(["c8g.large"]));
  });
});

describe("the table of clusters", () => {
  const ofModel = (facts: ModelFacts) => {
    const wishes = { base: configured(), spot: false, minTokensPerSecond: null };
    const found = withoutNoise(search(facts, wishes));
    const winners = winnersOf(found);
    if (winners === null) throw new Error("no cluster holds the model of this test: choose a smaller one");
    const byValue = found.toSorted((a, b) => a.usdPerMillionTokens - b.usdPerMillionTokens);
    const rows = byValue.map((advice) => ({ advice, warnings: warningsOf(advice, facts) }));
    return { facts, wishes, rows, winners };
  };
  const big = ofModel(publishedModel());
  const small = ofModel(modelFacts({ layers: 30 }));

  test("leaves out what is hardly faster than a cheaper cluster, and nothing else", () => {
    const [advice] = big.rows.map((row) => row.advice);
    if (advice === undefined) throw new Error("the search found nothing");
    const { speed } = advice;
    const withSpeed = (tokensPerSecond: number): Advice => ({
      ...advice,
      speed: { ...speed, decode: { ...speed.decode, tokensPerSecond } },
    });
    const kept = (speeds: number[]) =>
      withoutNoise(speeds.map(withSpeed)).map((one) => one.speed.decode.tokensPerSecond);
    expect(kept([10, 10.1, 10.19, 11, 20])).toEqual([10, 11, 20]);
    expect(kept([14.6, 15.4]), "both are shown as 15").toEqual([14.6]);
    expect(kept([101, 104]), "both are shown as 100").toEqual([101]);
    expect(kept([0.56, 0.57, 0.58])).toEqual([0.56, 0.58]);
    expect(kept([])).toEqual([]);
  });

  test("explains the columns that it shows and no other, and is as narrow as it has to be", () => {
    const titles = ["tok/s", "from–to", "prompt", "load", "$/h", "$/mo", "$/M tok"];
    const shown = [72, 80, 90, 100, 110, 140].map((width) => {
      const text = formatAdvice({ ...big, chosen: big.winners.value }, { width });
      const [, table = "", about = ""] = text.split("\n\n");
      const names = table.split("\n")[0] ?? "";
      const has = titles.filter((title) => names.includes(title));
      const sentences = about.replaceAll("\n", " ");
      const explained = titles.filter((title) =>
        sentences.split(/[.;] /).some((part) => part.startsWith(`${title}: `)),
      );
      expect(explained).toEqual(has);
      expect(Math.max(...text.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(width);
      return has.length;
    });
    expect(shown).toEqual(shown.toSorted((a, b) => a - b));
    expect(shown.at(-1)).toBe(titles.length);
    expect(shown[0]).toBeLessThan(titles.length);
  });

  test("says what the plan of the chosen cluster warns of, and marks every row that has a warning", () => {
    const warned = small.rows.find(({ warnings }) => warnings.length > 0);
    const [warning] = warned?.warnings ?? [];
    if (warned === undefined || warning === undefined) throw new Error("the model of this test is no longer too small");
    expect(planOf(warned.advice, small.facts).findings).toContainEqual(warning);
    const text = formatAdvice({ ...small, chosen: warned.advice }, { width: 140 });
    const [, table = "", , said = ""] = text.split("\n\n");
    const marked = table.split("\n").slice(1);
    expect(marked.map((line) => line.match(/F\d\d/g) ?? [])).toEqual(
      small.rows.map(({ warnings }) => warnings.map(({ number }) => number)),
    );
    expect(said).toContain("Warnings in the plan of");
    const flat = text.replaceAll(/\s+/g, " ");
    for (const part of [warning.number, warning.code, warning.message, warning.remedyText])
      expect(flat).toContain(part);

    const quiet = big.rows.find(({ warnings }) => warnings.length === 0);
    if (quiet === undefined) throw new Error("every cluster of this test's big model has a warning");
    expect(formatAdvice({ ...big, chosen: quiet.advice })).not.toContain("Warnings in the plan of");
  });

  test("says how long a prompt takes on the chosen cluster", () => {
    const chosen = big.winners.value;
    const text = formatAdvice({ ...big, chosen }).replaceAll("\n", " ");
    const [, amount = "", unit = ""] = /a prompt of 2000 tokens takes about (\d+) (s|min) in row 1\./.exec(text) ?? [];
    const unitSeconds = unit === "min" ? 60 : 1;
    const seconds = 2000 / chosen.speed.prompt.tokensPerSecond;
    expect(Math.abs(Number(amount) * unitSeconds - seconds), "seconds off").toBeLessThanOrEqual(unitSeconds);
  });
});

/** The plan of the stack file that is proposed. */
function planOf(advice: Advice, facts: ModelFacts) {
  const document: unknown = parse(stackFile(advice, facts.name));
  const config = (document as { config: Record<string, unknown> }).config;
  const raw = Object.entries(config).map(([key, value]) => [key.replace(`${PROJECT_NAME}:`, ""), value] as const);
  return planCluster(parseCluster(Object.fromEntries(raw), "plan"), facts, { stack: "proposed" });
}
