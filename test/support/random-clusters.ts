/** Valid configurations of target aws, made up by fast-check. */

import * as fc from "fast-check";
import { smallModelFacts } from "../../bench/support/models.ts";
import { ACCOUNT } from "../../bench/support/provider-answers.ts";
import { parseCluster } from "../../config/parse.ts";
import { findMachineType } from "../../plan/catalog/index.ts";
import { planCluster } from "../../plan/index.ts";
import { EXISTING } from "./terraform/surroundings.ts";

/** A stack without a file. */
export interface RandomCluster {
  stack: string;
  region: "us-east-1" | "us-west-2";
  /** Sections of the configuration, but for the model's source. */
  sections: Record<string, unknown>;
}

/** Types that the double's EC2 knows; small, so that plans are quickly made. */
const CPU_MACHINES = [
  "c7g.xlarge",
  "c8g.xlarge",
  "c8g.2xlarge",
  "m8g.xlarge",
  "r8g.large",
  "c8gn.xlarge",
  "m8gd.xlarge",
];
const GPU_MACHINES = ["g4dn.xlarge", "g5.xlarge", "g5g.xlarge", "g6.xlarge", "g6e.xlarge", "g6.12xlarge"];

const maybe = <T>(key: string, value: fc.Arbitrary<T>) =>
  fc.option(value, { nil: undefined }).map((one) => (one === undefined ? {} : { [key]: one }));
const merged = (...parts: fc.Arbitrary<Record<string, unknown>>[]) =>
  fc.tuple(...parts).map((all): Record<string, unknown> => Object.assign({}, ...all));

const buying = fc.oneof(
  fc.constant({}),
  fc.constant({ market: "spot" }),
  fc.constant({ market: "on-demand", reservation: "cr-0123456789abcdef0" }),
);
const pool = fc.oneof(
  merged(fc.record({ machine: fc.constantFrom(...CPU_MACHINES), count: fc.integer({ min: 1, max: 2 }) }), buying),
  merged(fc.record({ machine: fc.constantFrom(...GPU_MACHINES) }), buying),
);

const cidrs = fc.uniqueArray(fc.constantFrom("10.0.0.0/8", "192.0.2.0/24", "198.51.100.0/25"), { minLength: 1 });
const principals = fc.constant(["arn:aws:iam::123456789012:root"]);
const access = (stack: string) =>
  fc.oneof(
    fc.constant({ mode: "ssm" }),
    merged(
      fc.record({ mode: fc.constant("private"), allowedCidrs: cidrs }),
      maybe("privateLinkPrincipals", principals),
    ),
    merged(
      fc.record({
        mode: fc.constant("public"),
        allowedCidrs: cidrs,
        domain: fc.constant(`${stack}.${EXISTING.hostedZone}`),
      }),
      maybe("requestsPerFiveMinutes", fc.integer({ min: 10, max: 5000 })),
    ),
  );

const clock = (hour: number, minute: string) => `${String(hour % 24).padStart(2, "0")}:${minute}`;
const schedule = fc
  .record({
    days: fc.subarray(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], { minLength: 1 }),
    hour: fc.integer({ min: 0, max: 23 }),
    hours: fc.integer({ min: 2, max: 22 }),
    minute: fc.constantFrom("00", "15", "30", "45"),
    timeZone: fc.constantFrom("UTC", "Europe/Berlin", "America/New_York"),
  })
  .map(({ days, hour, hours, minute, timeZone }) => {
    return { days, start: clock(hour, minute), stop: clock(hour + hours, minute), timeZone };
  });
const limits = merged(
  maybe("maxMonthlyUsd", fc.constant(1_000_000)),
  maybe("alarmEmail", fc.constant("operator@example.com")),
  maybe("stopAfterIdleMinutes", fc.integer({ min: 10, max: 600 })),
  maybe("stopAfterHours", fc.integer({ min: 1, max: 100 })),
  maybe("schedule", schedule),
);

const image = (region: string, name: string) =>
  `${ACCOUNT}.dkr.ecr.${region}.amazonaws.com/${name}@sha256:${"5e".repeat(32)}`;
const imagesOf = (region: string, flavours: readonly string[]) =>
  Object.fromEntries(
    flavours.map((flavour) => [
      flavour,
      { backend: image(region, `${flavour}-backend`), server: image(region, `${flavour}-server`) },
    ]),
  );

/** One cluster; `stack` is part of names, so that several are made beside each other, and `place` of addresses. */
const cluster = (stack: string, place: number): fc.Arbitrary<RandomCluster> =>
  fc
    .record({
      region: fc.constantFrom("us-east-1" as const, "us-west-2" as const),
      inExisting: fc.boolean(),
      aws: merged(
        fc.record({ flowLogs: fc.boolean(), protection: fc.boolean() }),
        maybe(
          "tags",
          fc.dictionary(fc.constantFrom("owner", "cost-centre", "environment"), fc.constantFrom("a", "b c")),
        ),
      ),
      access: access(stack),
      front: merged(
        fc.record({ machine: fc.constantFrom(...CPU_MACHINES) }),
        maybe("diskMebibytesPerSecond", fc.integer({ min: 125, max: 500 })),
      ),
      pools: fc.array(pool, { minLength: 1, maxLength: 2 }),
      limits,
      flavours: fc.subarray(["cpu", "cuda"]),
    })
    .map(({ region, inExisting, aws, access, front, pools, limits, flavours }) => {
      const isPublic = access["mode"] === "public";
      const existing = inExisting && region === "us-east-1";
      const { vpcId, subnetId, publicSubnetIds } = EXISTING;
      const network = { vpcId, subnetId, ...(isPublic && { publicSubnetIds }) };
      return {
        stack,
        region,
        sections: {
          target: "aws",
          aws: {
            region,
            ...aws,
            ...(existing && { network, flowLogs: false }),
            // Protected machines can't be stopped by a schedule.
            ...("schedule" in limits && { protection: false }),
          },
          front,
          backends: pools.map((one, index) => ({ name: `p${index}`, ...one })),
          access: {
            ...access,
            ...(isPublic && { hostedZone: EXISTING.hostedZone }),
            ...(existing && { privateCidr: `10.77.${place}.0/24` }),
          },
          limits,
          images: imagesOf(region, flavours),
        },
      };
    })
    .filter(isPlannable);

/** Whether the planner takes it: every type is offered in the region, and the small model fits. */
function isPlannable({ stack, sections }: RandomCluster): boolean {
  const config = parseCluster({ model: { source: "hf:owner/repository/model.gguf" }, ...sections }, "plan");
  const machines = [config.front.machine, ...config.backends.map(({ machine }) => machine)];
  if (machines.some((name) => name === undefined || findMachineType(name) === undefined)) return false;
  return planCluster(config, smallModelFacts(), { stack }).findings.every(({ severity }) => severity !== "error");
}

/** So many clusters, the same ones for the same seed. */
export function randomClusters(count: number, seed: number): RandomCluster[] {
  return Array.from({ length: count }, (_, index) =>
    fc.sample(cluster(`random-${index}`, index + 1), { numRuns: 1, seed: seed + index }),
  ).flat();
}
