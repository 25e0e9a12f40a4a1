import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { modelFacts } from "../../bench/support/models.ts";
import { PUBLISHED } from "../../bench/support/published-cluster.ts";
import { REGIONS } from "../../config/regions.ts";
import type { ClusterConfig } from "../../config/schema/index.ts";
import { machineTypes } from "../../plan/catalog/index.ts";
import { resolve } from "../../plan/hosts/resolve.ts";
import { type ModelFacts, planCluster } from "../../plan/index.ts";
import { place } from "../../plan/placement/index.ts";
import { applyChange, type ConfigChange, setting } from "../../plan/remedies/change.ts";
import { c16, cluster, llama8, llama70, llama405, situations, small, withFront } from "../support/aws-situations.ts";
import { expectChangesToHelp, expectToBeGone, findings } from "../support/findings.ts";

describe("a finding about machines of EC2", () => {
  test.each(situations)(
    "$code is reported because $because, and its remedy helps",
    ({ code, facts, config, path, value, remove }) => {
      const found = findings(config, facts).find((finding) => finding.code === code);
      expect(found?.path).toBe(path);
      expect(found?.message).toMatch(/^[A-Z].*\.$/);
      expect(found?.remedyText).toMatch(/^[A-Z].*\.$/);
      const change = found?.remedy.change;
      if (change === undefined) throw new Error(`${code} must say which value its remedy sets`);
      if (value !== undefined) expect(change.set.map((set) => set.value)).toEqual([value]);
      expect(change.remove.map((removal) => removal.path)).toEqual(remove ?? []);
      expectToBeGone(config, facts, change, found ?? { code });
    },
  );

  const machine = fc.constantFrom(...machineTypes().map(({ name }) => name));
  const anyPool = fc.record({
    machine,
    count: fc.integer({ min: 1, max: 4 }),
    market: fc.constantFrom("on-demand", "spot"),
  });
  const anyCluster = fc.record({
    front: fc.record({ machine, disk: fc.constantFrom(undefined, 125, 1000) }),
    pools: fc.array(anyPool, { minLength: 1, maxLength: 3 }),
    region: fc.constantFrom(...REGIONS),
    maxHourlyUsd: fc.option(fc.double({ min: 0.05, max: 60, noNaN: true }), { nil: undefined }),
    // So many layers for each backend, where the user splits.
    ownLayers: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
    facts: fc.constantFrom(small, llama8, llama70),
  });

  test("goes away by its change, whatever the machines, the market, the region, the limit, the split and the model", () => {
    fc.assert(
      fc.property(anyCluster, ({ front, pools, region, maxHourlyUsd, ownLayers, facts }) => {
        const more = {
          aws: { region },
          front: { machine: front.machine, diskMebibytesPerSecond: front.disk },
          limits: { maxHourlyUsd },
        };
        const config = cluster(front.machine, pools, more);
        expectChangesToHelp(ownLayers === undefined ? config : withOwnSplit(config, ownLayers), facts);
      }),
      { numRuns: 25 },
    );
  });

  test("names no machine if only the quotas are to report", () => {
    const config = cluster("c8g.large", [{ machine: "c8g.16xlarge" }]);
    expect(findings(config, llama70).map(({ code }) => code)).toEqual(["quota-needed"]);
  });

  test("is not made of a model that is elsewhere: machines get it from a bucket", () =>
    expect(findings(cluster("c8g.2xlarge", [c16]), llama405).map(({ code }) => code)).not.toContain("model-elsewhere"));

  test("of a split that is too long stands alone, without a finding about too few layers", () => {
    const backends = [{ machine: "c8g.large", count: 6, layers: [1, 1, 1, 1, 1, 1] }];
    const codes = findings(cluster("c8g.large", backends), modelFacts({ layers: 4 })).map(({ code }) => code);
    expect(codes).toContain("split-too-long");
    expect(codes).not.toContain("more-backends-than-layers");
  });
});

describe("the remedy of a finding about machines of EC2", () => {
  test("for too many backends is other machines where the model does not fit on fewer, and then it fits", () => {
    const config = cluster("c8g.2xlarge", [{ machine: "g4dn.12xlarge", count: 4 }]);
    const fewer = applyChange(config, setting("backends[0].count", 3));
    expect(place(resolve(fewer), llama405)?.fits).toBe(false);
    expect(place(resolve(applyChange(config, changeFor("too-many-backends", config, llama405))), llama405)?.fits).toBe(
      true,
    );
  });

  test("for too many backends is the count where the model fits nowhere", () => {
    const config = cluster("c8g.large", [{ machine: "g4dn.12xlarge", count: 4 }]);
    const huge = modelFacts({ layers: 126, embeddingLength: 65_536, feedForwardLength: 262_144 });
    expect(changeFor("too-many-backends", config, huge)).toEqual(setting("backends[0].count", 3, "at most"));
  });

  test("for a type that is not sold has the whole price of another one, not a difference", () => {
    const config = cluster("c8g.2xlarge", [{ machine: "g6.12xlarge" }], { aws: { region: "eu-west-1" } });
    const [found] = findings(config, llama70).filter(({ code }) => code === "type-not-offered");
    const price = machineTypes().find(({ name }) => name === "g5.12xlarge")?.usdPerHour["eu-west-1"]?.usd ?? Number.NaN;
    expect(found?.remedy.costs).toEqual({ usdPerHour: price, of: "each machine", hasSpot: false });
    expect(found?.remedyText).toBe(
      `Set backends[0].machine to g5.12xlarge, at ${price.toFixed(2)} US dollars per hour each.`,
    );
  });

  test("for a limit that no cluster keeps says so, and not that nothing is cheaper", () => {
    const config = cluster("c8g.16xlarge", [c16], { limits: { maxHourlyUsd: 0.5 } });
    const [found] = findings(config, llama405).filter(({ code }) => code === "hourly-cost-above-limit");
    expect(found?.remedyText).toContain("No cluster within the limit holds the model after one change.");
  });

  test("for spot machines names the market, and that it compares prices on demand", () => {
    const config = cluster("c8g.16xlarge", [{ ...c16, market: "spot" }]);
    const [found] = findings(config, llama405).filter(({ code }) => code === "one-backend-is-enough");
    expect(found?.message).toContain("US dollars per hour at on-demand prices");
    expect(found?.remedyText).toMatch(/ × \S+, market spot\.$/);
  });

  test("for machines that replace an own split leaves it out, and says so", () => {
    const config = withOwnSplit(cluster("c8g.16xlarge", [c16]), 63);
    const [found] = findings(config, llama405).filter(({ code }) => code === "one-backend-is-enough");
    expect(found?.remedyText).toMatch(/^Set backends to one pool of 1 × \S+ and leave layers out of every pool\.$/);
    expect(JSON.stringify(applyChange(config, changeFor("one-backend-is-enough", config, llama405)))).not.toContain(
      "layers",
    );
  });

  test("that changes machine and number of an own split leaves it out in plain words", () => {
    const config = withOwnSplit(cluster("c8g.2xlarge", [{ machine: "c8g.12xlarge" }]), 126);
    const huge = modelFacts({ layers: 126, embeddingLength: 65_536, heads: 512, feedForwardLength: 262_144 });
    const [found] = findings(config, huge).filter(({ code }) => code === "model-does-not-fit");
    expect(found?.remedyText).toMatch(
      /^Set backends\[0\]\.machine to \S+ and backends\[0\]\.count to \d+ and leave layers out of every pool,/,
    );
  });

  test("for two architectures is never a GPU that computes nothing, and without one there is no finding", () => {
    const codes = findings(cluster("c8g.xlarge", [{ machine: "g6.xlarge" }]), llama8).map(({ code }) => code);
    expect(codes).not.toContain("mixed-architectures");
  });

  test("for a model that does not fit is the cheapest type of the catalog that makes it fit", () => {
    const config = cluster("c8g.2xlarge", [{ machine: "c8g.4xlarge", count: 2 }]);
    const change = changeFor("model-does-not-fit", config, llama405);
    const price = (name: unknown) => usd(String(name));
    const cheaper = machineTypes().filter(({ name, gpu }) => gpu === null && price(name) < price(onlyValue(change)));
    expect(cheaper.length).toBeGreaterThan(0);
    const fitting = cheaper.filter(
      ({ name }) => place(resolve(applyChange(config, withValue(change, name))), llama405)?.fits,
    );
    expect(fitting.map(({ name }) => name)).toEqual([]);
  });

  test("for a front that is too small is the cheapest type that is not", () => {
    const config = cluster("c8g.large", [c16]);
    const change = changeFor("front-memory-too-small", config, llama405);
    const cheaper = machineTypes().filter(
      ({ name, architecture }) => architecture === "arm64" && usd(name) < usd(String(onlyValue(change))),
    );
    const fitting = cheaper.filter(
      ({ name }) => place(resolve(applyChange(config, withValue(change, name))), llama405)?.fits,
    );
    expect(fitting.map(({ name }) => name)).toEqual([]);
  });

  test("for a model that one machine holds is cheaper, as fast and has fewer trips", () => {
    const config = cluster("c8g.16xlarge", [c16]);
    const changed = applyChange(config, changeFor("one-backend-is-enough", config, llama405));
    const [before, after] = [config, changed].map((each) => planCluster(each, llama405, { stack: "aws" }));
    expect(resolve(changed).backends).toHaveLength(1);
    expect(after?.hourlyUsd).toBeLessThan(before?.hourlyUsd ?? 0);
    expect(after?.speed?.decode.tokensPerSecond).toBeGreaterThanOrEqual(before?.speed?.decode.tokensPerSecond ?? 0);
    const [found] = findings(config, llama405).filter(({ code }) => code === "one-backend-is-enough");
    const saved = (before?.cost?.lines[0]?.usdPerHour.high ?? 0) - (usd("c8g.16xlarge") + usd(machineOf(changed)));
    expect(found?.message).toContain(`save ${saved.toFixed(2)} US dollars per hour and each token one trip`);
  });

  test("explains the published cluster's load, and makes it as quick as disks allow", () => {
    const config = cluster("", [c16], withFront({ machine: PUBLISHED.machine, diskMebibytesPerSecond: 125 }));
    const [found] = findings(config, llama405).filter(({ code }) => code === "slow-load");
    const [, seconds] =
      /about (\d+) s, because the volume of the model gives 125 MiB\/s/.exec(found?.message ?? "") ?? [];
    expect(Math.abs(Number(seconds) / PUBLISHED.loadSeconds - 1)).toBeLessThan(0.05);
  });

  test("for a cluster that is slower than its front makes it faster than that", () => {
    const config = cluster("c8g.8xlarge", [{ machine: "c8g.4xlarge", count: 2 }]);
    const [found] = findings(config, llama8).filter(({ code }) => code === "slower-than-front-alone");
    const [, alone] = /would generate ([\d.]+) tokens/.exec(found?.message ?? "") ?? [];
    const changed = applyChange(config, changeFor("slower-than-front-alone", config, llama8));
    const { speed } = planCluster(changed, llama8, { stack: "aws" });
    expect(speed?.decode.tokensPerSecond).toBeGreaterThan(Number(alone));
  });

  test("for a cost above the limit keeps a cluster that can be carried out within it", () => {
    const limit = 4;
    const config = cluster("c8g.4xlarge", [{ ...c16, market: "spot" }], { limits: { maxHourlyUsd: limit } });
    const found = findings(config, llama405).find(({ code }) => code === "hourly-cost-above-limit");
    expect(found?.message).toContain("market spot does not help");
    const plan = planCluster(applyChange(config, changeFor("hourly-cost-above-limit", config, llama405)), llama405, {
      stack: "aws",
    });
    expect(plan.hourlyUsd).toBeLessThanOrEqual(limit);
    expect(plan.findings.filter(({ severity }) => severity === "error")).toEqual([]);
  });
});

function changeFor(code: string, config: ClusterConfig, facts: ModelFacts) {
  const change = findings(config, facts).find((finding) => finding.code === code)?.remedy.change;
  if (change === undefined) throw new Error(`${code} must be found here, with a change`);
  return change;
}

/** The only value that a change sets. */
function onlyValue({ set }: ConfigChange): unknown {
  expect(set).toHaveLength(1);
  return set[0]?.value;
}

/** The change with another value. */
function withValue(change: ConfigChange, value: string): ConfigChange {
  return { ...change, set: change.set.map((one) => ({ ...one, value })) };
}

function usd(name: string): number {
  return machineTypes().find((type) => type.name === name)?.usdPerHour["us-east-1"]?.usd ?? Number.POSITIVE_INFINITY;
}

function machineOf({ backends }: ClusterConfig): string {
  return backends[0]?.machine ?? "";
}

/** The same with so many layers for each backend. */
function withOwnSplit(config: ClusterConfig, layers: number): ClusterConfig {
  const { pools } = resolve(config);
  const backends = config.backends.map((pool, index) => ({
    ...pool,
    layers: pools[index]?.backends.map(() => layers) ?? [],
  }));
  return { ...config, backends };
}
