import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { publishedModel } from "../../bench/support/published-cluster.ts";
import { MAX_BACKENDS } from "../../config/bounds.ts";
import { networkOf, overlaps } from "../../config/cidr.ts";
import { parseCluster } from "../../config/parse.ts";
import { WEEKDAYS } from "../../config/time.ts";
import { type ClusterPlan, planCluster } from "../../plan/index.ts";
import type { ModelFacts } from "../../plan/model/facts.ts";
import { schedulePlan } from "../../plan/resources/schedule.ts";
import { awsPlan } from "../support/aws-plans.ts";

const GPUS = [{ name: "gpu", machine: "g6e.12xlarge", count: 2 }];
const PUBLIC = { mode: "public", domain: "llm.example.com", allowedCidrs: ["0.0.0.0/0"] };

function awsOf(plan: ClusterPlan) {
  if (plan.aws === null) throw new Error("no plan of target aws");
  return plan.aws;
}

describe("the network of a cluster on EC2", () => {
  test("is cut into parts that lie in it and not over each other, with all machines in the first", () => {
    fc.assert(
      fc.property(fc.integer({ min: 16, max: 24 }), (prefix) => {
        const plan = awsPlan({ backends: GPUS, access: { ...PUBLIC, privateCidr: `10.64.0.0/${prefix}` } });
        const { network } = awsOf(plan);
        if (network.kind !== "own") throw new Error("its own network was asked for");
        const vpc = networkOf(network.vpcCidr);
        const parts = [network.clusterCidr, network.serviceCidr, ...network.publicCidrs].map(networkOf);
        expect(parts).toHaveLength(4);
        for (const [index, part] of parts.entries()) {
          expect(part.base >= vpc.base && part.base + part.size <= vpc.base + vpc.size).toBe(true);
          for (const other of parts.slice(index + 1)) expect(overlaps(part, other)).toBe(false);
        }
        const [machines] = parts;
        for (const { address } of plan.machines) {
          const { base } = networkOf(`${address}/32`);
          if (machines === undefined) throw new Error("no part");
          // EC2 keeps the first four addresses of a subnet, and the last.
          expect(base - machines.base, address).toBeGreaterThanOrEqual(4);
          expect(machines.base + machines.size - base, address).toBeGreaterThanOrEqual(2);
        }
      }),
    );
  });

  test("has no public part, and an endpoint for sessions, unless it is reached another way", () => {
    const [bySession, byInternet] = [
      awsOf(awsPlan({ backends: GPUS })),
      awsOf(awsPlan({ backends: GPUS, access: PUBLIC })),
    ];
    expect(bySession.network).toMatchObject({ publicCidrs: [] });
    expect(bySession.interfaceEndpoints).toEqual(["ecr.api", "ecr.dkr", "ssm", "ssmmessages"]);
    expect(byInternet.interfaceEndpoints).toEqual(["ecr.api", "ecr.dkr", "ssm"]);
  });

  test("that exists is used as it is: its endpoints, and of its addresses the part that was given", () => {
    const network = { vpcId: "vpc-0123456789abcdef0", subnetId: "subnet-0123456789abcdef0" };
    const plan = awsPlan({
      aws: { region: "us-east-1", network },
      access: { privateCidr: "10.77.1.64/26" },
      backends: GPUS,
    });
    expect(awsOf(plan)).toMatchObject({ network: { kind: "existing", ...network }, interfaceEndpoints: [] });
    expect(plan.machines.map(({ address }) => address)).toEqual(["10.77.1.74", "10.77.1.80", "10.77.1.81"]);
  });

  test("opens a port for each GPU of a machine, and the front's to sessions on the loopback address alone", () => {
    const plan = awsPlan({ backends: GPUS });
    expect(awsOf(plan).rpcPorts).toEqual({ first: 50052, last: 50055 });
    expect(plan.front.environment["APP_BIND"]).toBe("127.0.0.1");
    expect(plan.backends.map(({ environment }) => environment["APP_BIND"])).toEqual(
      plan.backends.map(({ address }) => address),
    );
  });
});

describe("the machines of a cluster on EC2", () => {
  test("stay as they are when one more joins: their volumes too", () => {
    const of = (count: number) =>
      awsPlan({ backends: [{ name: "arm", machine: "c8g.16xlarge", count }] }).machines.filter(({ pool }) => pool);
    expect(of(4).slice(0, 3)).toEqual(of(3));
  });

  test("keep their addresses when a pool before them grows or shrinks, and none has another's", () => {
    // Steps between growing sums, so that the pools have room for one backend more.
    const sums = fc.uniqueArray(fc.integer({ min: 1, max: MAX_BACKENDS - 1 }), { minLength: 2, maxLength: 3 });
    const counts = sums.map((all) => all.sort((a, b) => a - b).map((sum, index) => sum - (all[index - 1] ?? 0)));
    const addressesOf = (sizes: readonly number[]) =>
      new Map(
        awsPlan({
          backends: sizes.map((count, index) => ({ name: `pool-${"abc"[index]}`, machine: "c8g.16xlarge", count })),
        }).machines.map(({ name, address }) => [name, address]),
      );
    fc.assert(
      fc.property(counts, fc.nat(2), (sizes, which) => {
        const before = addressesOf(sizes);
        expect(new Set(before.values()).size).toBe(before.size);
        const after = addressesOf(sizes.map((count, index) => (index === which % sizes.length ? count + 1 : count)));
        for (const [name, address] of before) expect(after.get(name), name).toBe(address);
      }),
      { numRuns: 25 },
    );
  });

  test("keep their cache on NVMe only if they never stop", () => {
    const stores = (values: Record<string, unknown>) =>
      awsPlan({ backends: GPUS, ...values }).machines.map(({ instanceStore, disk }) => [instanceStore, disk.gibibytes]);
    const running = stores({});
    expect(running.slice(1)).toEqual([
      [true, 120],
      [true, 120],
    ]);
    for (const stopping of [
      { limits: { stopAfterIdleMinutes: 60 } },
      { limits: { stopAfterHours: 8 } },
      { limits: { schedule: { start: "08:00", stop: "18:00" } } },
      { backends: [{ ...GPUS[0], market: "spot" }] },
    ])
      for (const [instanceStore, gibibytes] of stores(stopping).slice(1)) {
        expect(instanceStore).toBe(false);
        expect(gibibytes).toBeGreaterThan(120);
      }
  });

  test("are started from AWS's image with NVIDIA's driver where they have a GPU, else from Amazon Linux", () => {
    const backends = [...GPUS, { name: "arm", machine: "c8g.8xlarge" }];
    const images = awsPlan({ backends }).machines.map(({ imageParameter }) => imageParameter);
    expect(images).toEqual([
      "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
      "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id",
      "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id",
      "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
    ]);
  });

  test("in a reservation are not placed by the cluster's group, which the reservation does not know", () => {
    const reservation = "cr-0123456789abcdef0";
    const plan = awsPlan({ backends: [{ name: "gpu", machine: "p5.4xlarge", market: "capacity-block", reservation }] });
    expect(plan.machines.map((machine) => [machine.reservation, machine.inPlacementGroup])).toEqual([
      [null, true],
      [reservation, false],
    ]);
  });
});

describe("the hours of a cluster on EC2", () => {
  const workdays = ["mon", "tue", "wed", "thu", "fri"] as const;

  test("begin with the backends and end with them", () => {
    expect(schedulePlan({ days: [...workdays], start: "08:00", stop: "18:00", timeZone: "Europe/Berlin" })).toEqual({
      timeZone: "Europe/Berlin",
      startBackends: "cron(0 8 ? * MON,TUE,WED,THU,FRI *)",
      startFront: "cron(5 8 ? * MON,TUE,WED,THU,FRI *)",
      stopFront: "cron(0 18 ? * MON,TUE,WED,THU,FRI *)",
      stopBackends: "cron(1 18 ? * MON,TUE,WED,THU,FRI *)",
    });
  });

  test("that go over midnight end on the day after", () => {
    expect(schedulePlan({ days: ["fri", "sat"], start: "20:00", stop: "02:30", timeZone: "UTC" })).toMatchObject({
      startBackends: "cron(0 20 ? * FRI,SAT *)",
      stopFront: "cron(30 2 ? * SAT,SUN *)",
    });
    expect(schedulePlan({ days: ["sun"], start: "23:58", stop: "23:57", timeZone: "UTC" })).toMatchObject({
      startFront: "cron(3 0 ? * MON *)",
      stopBackends: "cron(58 23 ? * MON *)",
    });
  });

  test("are as many cron expressions of EventBridge as there are moments, whatever is written", () => {
    const day = 24 * 60;
    const clock = (minute: number) =>
      [Math.floor((minute % day) / 60), minute % 60].map((part) => String(part).padStart(2, "0")).join(":");
    // The configuration refuses hours that are shorter.
    const minutes = fc.integer({ min: 30, max: day - 30 });
    fc.assert(
      fc.property(fc.subarray([...WEEKDAYS], { minLength: 1 }), fc.nat(day - 1), minutes, (days, start, length) => {
        const hours = { start: clock(start), stop: clock(start + length) };
        const { timeZone: _, ...crons } = schedulePlan({ days, ...hours, timeZone: "UTC" });
        for (const cron of Object.values(crons))
          expect(cron).toMatch(/^cron\(([0-5]?\d) (1?\d|2[0-3]) \? \* ((SUN|MON|TUE|WED|THU|FRI|SAT),?)+ \*\)$/);
      }),
    );
  });
});

describe("the model of a cluster on EC2", () => {
  const planOf = (source: string, facts: Partial<ModelFacts>) =>
    awsOf(awsPlan({ model: { source }, backends: GPUS }, { ...publishedModel(), source, ...facts }));

  test("comes from where it is, and has a key for each of its files", () => {
    expect(planOf(".models/a.gguf", { fileName: "a.gguf" }).model).toMatchObject({
      origin: "file",
      keys: ["models/a.gguf"],
    });
    expect(planOf("hf:o/r/b-00001-of-00002.gguf", { fileName: "b-00001-of-00002.gguf" }).model).toMatchObject({
      origin: "hugging-face",
      keys: ["models/b-00001-of-00002.gguf", "models/b-00002-of-00002.gguf"],
    });
    expect(planOf("s3://bucket/c.gguf", { fileName: "c.gguf" }).model.origin).toBe("s3");
    expect(planOf("https://host/d.gguf", { fileName: "d.gguf" }).model.origin).toBe("http");
  });
});

test("a stack whose name AWS would not take is refused before anything is planned", () => {
  const config = parseCluster({
    target: "aws",
    aws: { region: "us-east-1" },
    model: { source: "hf:owner/repository/model.gguf" },
    front: { machine: "c8g.4xlarge" },
    backends: GPUS,
  });
  for (const stack of ["Prod", "prod_1", "a".repeat(33), "prod-", "1a"])
    expect(() => planCluster(config, publishedModel(), { stack }), stack).toThrow(
      /stack is ".*": it must be at most 32/,
    );
  expect(planCluster(config, publishedModel(), { stack: "prod-1" }).aws).not.toBeNull();
});
