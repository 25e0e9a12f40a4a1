import { describe, expect, test } from "vitest";
import { modelFacts } from "../../bench/support/models.ts";
import { parseCluster } from "../../config/parse.ts";
import { ConfigError } from "../../config/problems.ts";
import type { ClusterConfig } from "../../config/schema/index.ts";
import { findMachineType } from "../../plan/catalog/index.ts";
import { hoursPerMonth } from "../../plan/cost/bill.ts";
import { HOURS_PER_MONTH } from "../../plan/cost/prices.ts";
import { machineProblems, resolve, resolveOnAws } from "../../plan/hosts/resolve.ts";
import { planCluster } from "../../plan/index.ts";
import { LOAD_GOAL_SECONDS, throughputFor } from "../../plan/resources/disks.ts";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const facts = modelFacts({ layers: 48, feedForwardLength: 16_384 });

function awsConfig(values: Readonly<Record<string, unknown>> = {}): ClusterConfig {
  const raw = {
    target: "aws",
    aws: { region: "us-east-1" },
    model: { source: "hf:owner/repository/model.gguf" },
    front: { machine: "c8g.2xlarge" },
    backends: [
      { name: "gpu", machine: "g6.12xlarge", count: 2 },
      { name: "cpu", machine: "c8g.4xlarge", market: "spot" },
    ],
    ...values,
  };
  return parseCluster(raw, "plan");
}

const typeOf = (name: string) => {
  const type = findMachineType(name);
  if (type === undefined) throw new Error(`${name} is not in the catalog: choose another for this test`);
  return type;
};

describe("a cluster of EC2 machines", () => {
  const plan = planCluster(awsConfig(), facts, { stack: "aws-test" });

  test("runs a backend for each GPU, at ports of the machine's one address, each with its own GPU", () => {
    expect(plan.backends.map(({ name, address, port, gpus }) => [name, address.split(".").at(-1), port, gpus])).toEqual(
      [
        ["gpu-0", "16", 50_052, "0"],
        ["gpu-1", "16", 50_053, "1"],
        ["gpu-2", "16", 50_054, "2"],
        ["gpu-3", "16", 50_055, "3"],
        ["gpu-4", "17", 50_052, "0"],
        ["gpu-5", "17", 50_053, "1"],
        ["gpu-6", "17", 50_054, "2"],
        ["gpu-7", "17", 50_055, "3"],
        ["cpu-0", "32", 50_052, null],
      ],
    );
    for (const { environment, port } of plan.backends) expect(environment).toMatchObject({ APP_PORT: String(port) });
    expect(plan.front.environment).toMatchObject({
      APP_RPC_BACKENDS: plan.backends.map(({ address, port }) => `${address}:${port}`).join(","),
    });
  });

  test("rents each machine once, the front's first", () => {
    expect(plan.machines.map(({ name, type, market, backends }) => [name, type, market, backends.length])).toEqual([
      ["front", "c8g.2xlarge", "on-demand", 0],
      ["gpu-machine-0", "g6.12xlarge", "on-demand", 4],
      ["gpu-machine-1", "g6.12xlarge", "on-demand", 4],
      ["cpu-machine-0", "c8g.4xlarge", "spot", 1],
    ]);
    const named = plan.machines.flatMap(({ backends }) => backends);
    expect(named).toEqual(plan.backends.map(({ name }) => name));
  });

  test("builds images for each architecture that runs them", () => {
    expect(plan.images).toEqual([
      { flavour: "cpu", role: "server", architecture: "arm64" },
      { flavour: "cuda", role: "backend", architecture: "amd64" },
      { flavour: "cpu", role: "backend", architecture: "arm64" },
    ]);
  });

  test("lends less than EC2 reports: of a GPU's memory, and of a machine's what the system leaves", () => {
    const { backends, front } = resolveOnAws(awsConfig());
    for (const { capacityBytes, flavour, type } of [...backends, front]) {
      const reported = (flavour === "cuda" ? (type.gpu?.memoryMib ?? 0) : type.memoryMib) * MIB;
      expect(capacityBytes).toBeLessThan(reported);
      expect(capacityBytes).toBeGreaterThan(0.85 * reported);
    }
  });

  test("has a speed, a load and a cost whose parts add up, at most hourlyUsd", () => {
    expect(plan.speed?.decode.tokensPerSecond).toBeGreaterThan(0);
    expect(plan.load?.seconds).toBeGreaterThan(0);
    const lines = plan.cost?.lines ?? [];
    expect(lines.find(({ what }) => what.startsWith("2 × g6.12xlarge"))?.usdPerHour.high).toBeCloseTo(
      2 * (typeOf("g6.12xlarge").usdPerHour["us-east-1"]?.usd ?? Number.NaN),
    );
    expect(lines.reduce((sum, { usdPerHour }) => sum + usdPerHour.high, 0)).toBeCloseTo(plan.hourlyUsd, 9);
    expect(plan.cost?.usdPerHour.low, "a spot machine may cost less").toBeLessThan(plan.hourlyUsd);
  });

  test("survives a round through JSON unchanged", () => {
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });
});

describe("machines that the catalog does not agree with", () => {
  test("are told all at once, with the type that was meant", () => {
    const config = awsConfig({
      front: { machine: "c8g.2xlage", flavour: "cuda" },
      backends: [
        { name: "a", machine: "g6.12xlrge" },
        { name: "b", machine: "c8g.large", flavour: "cuda" },
      ],
    });
    expect(machineProblems(config).map(({ path, remedy }) => [path, remedy])).toEqual([
      ["front.machine", "Did you mean c8g.2xlarge?"],
      ["backends[0].machine", "Did you mean g6.12xlarge?"],
      ["backends[1].flavour", "Remove it, or choose another backends[1].machine."],
    ]);
    expect(() => planCluster(config, facts, { stack: "aws-test" })).toThrow(ConfigError);
  });

  test("include a front that is to compute on a GPU and has none", () => {
    const config = awsConfig({ front: { machine: "c8g.2xlarge", flavour: "cuda" } });
    expect(machineProblems(config).map(({ path, rule }) => [path, rule])).toEqual([
      ["front.flavour", 'must be "cpu", because a c8g.2xlarge has no GPU'],
    ]);
  });

  test("include an own split that does not count every GPU", () => {
    const backends = [{ name: "gpu", machine: "g6.12xlarge", layers: [48] }];
    expect(machineProblems(awsConfig({ backends })).map(({ path, rule }) => [path, rule])).toEqual([
      ["backends[0].layers", "must have 4 numbers, one for each backend of the pool"],
    ]);
  });
});

describe("the user's own split", () => {
  const withLayers = (layers: number[]) =>
    planCluster(awsConfig({ backends: [{ name: "gpu", machine: "g6.12xlarge", layers }] }), facts, { stack: "own" });

  test("is kept as it is", () => {
    const plan = withLayers([20, 10, 10, 8]);
    expect(plan.backends.map(({ layers }) => layers.count)).toEqual([20, 10, 10, 8]);
    expect(plan.tensorSplit).toEqual([20, 10, 10, 9]);
    expect(plan.front.layers).toBeNull();
  });

  test("leaves what it does not give out to the front", () => {
    const plan = withLayers([10, 10, 10, 8]);
    expect(plan.front.layers).toEqual({ first: 0, last: 9, count: 10 });
    expect(plan.backends[0]?.layers.first).toBe(10);
    expect(plan.front.environment).toMatchObject({ APP_GPU_LAYERS: "39" });
  });
});

describe("the front's disk", () => {
  const front = typeOf("c8g.16xlarge");

  test("is fast enough to load in good time where a gp3 volume and the machine can be", () => {
    const bytes = 100 * GIB;
    const seconds = bytes / (throughputFor(bytes, front) * MIB);
    expect(seconds).toBeLessThanOrEqual(LOAD_GOAL_SECONDS);
    expect(throughputFor(1 * GIB, front), "what is included costs nothing").toBe(125);
  });

  test("is never faster than the machine's link to it", () => {
    const slow = typeOf("c8g.large");
    expect(throughputFor(10_000 * GIB, slow) * MIB).toBeLessThanOrEqual(slow.diskBurstMegabytesPerSecond * 1e6);
  });

  test("is what the stack file says where it says so, and the load is estimated with it", () => {
    const slow = planCluster(awsConfig({ front: { machine: "c8g.16xlarge", diskMebibytesPerSecond: 125 } }), facts, {
      stack: "disk",
    });
    expect(slow.machines[0]?.disk.mebibytesPerSecond).toBe(125);
    expect(slow.load?.boundBy).toBe("disk");
    expect(slow.load?.seconds).toBeCloseTo(facts.fileBytes / (125 * MIB), 6);
  });
});

describe("a million tokens", () => {
  test("cost more where machines rest most of the time, as disks and endpoints are paid all the time", () => {
    const usd = (limits: unknown) =>
      planCluster(awsConfig({ limits }), facts, { stack: "rest" }).cost?.usdPerMillionTokens?.high ?? Number.NaN;
    expect(usd({ schedule: { days: ["mon"], start: "08:00", stop: "09:00" } })).toBeGreaterThan(1.2 * usd({}));
  });
});

describe("the hours of a month", () => {
  const hours = (schedule: unknown) => hoursPerMonth(resolve(awsConfig({ limits: { schedule } })).limits);

  test("are all of them without a schedule", () => {
    expect(hoursPerMonth(resolve(awsConfig()).limits)).toBe(HOURS_PER_MONTH);
  });

  test("follow days and times", () => {
    const week = ["mon", "tue", "wed", "thu", "fri"];
    expect(hours({ days: week, start: "08:00", stop: "18:00" })).toBeCloseTo((HOURS_PER_MONTH * 5 * 10) / (7 * 24), 9);
    expect(hours({ start: "22:00", stop: "06:00" }), "over midnight").toBeCloseTo(HOURS_PER_MONTH / 3, 9);
  });
});
