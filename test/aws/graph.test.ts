/**
 * The resource graphs against the real AWS provider: translated to Terraform, accepted by the provider's schema, applied to
 * a double of AWS, planned again without a difference, changed, destroyed. All clusters are modules of one root: what takes
 * long are the provider's own waits, and they pass at the same time.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type AwsDouble, noDouble, startDouble } from "../support/aws-double/server.ts";
import { randomClusters } from "../support/random-clusters.ts";
import { sectionsOf } from "../support/resource-graph.ts";
import { scratchModel } from "../support/scratch-model.ts";
import { actionsOn, type Cluster, differences, type Translated, translated } from "../support/terraform/clusters.ts";
import { type PlannedChange, Terraform } from "../support/terraform/runner.ts";
import type { ProviderSchema } from "../support/terraform/schema.ts";
import { type StateServer, startStateServer } from "../support/terraform/state-server.ts";
import { EXISTING } from "../support/terraform/surroundings.ts";
import { ensureAwsTestTools } from "../support/test-tools.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const SCHEMA = join(ROOT, ".toolchain", "terraform", "schema.json");
/** The provider waits by the clock for balancers, machines and buckets' rules; the rest depends on the machine. */
const LONG_MS = 900_000;

/** Another seed makes other clusters: LLAMA_RPC_SEED=7 npx vitest run --project aws test/aws/graph.test.ts */
const SEED = Number(process.env["LLAMA_RPC_SEED"] ?? 1);
const RANDOM = Number(process.env["LLAMA_RPC_RANDOM"] ?? 20);

const { model, scratch } = scratchModel();
/** Their changes are tried, too. */
const STACKS = ["aws-dev", "aws-prod", "aws-graviton", "existing-network"] as const;

type Expected = Readonly<Record<(typeof STACKS)[number], readonly string[]>>;

/** What belongs to one machine of its own. */
const machine = (name: string) => [
  `create Instance cluster-${name}`,
  `create InstanceProfile cluster-${name}-profile`,
  `create NetworkInterface cluster-${name}-address`,
  `create Parameter cluster-${name}-status`,
  `create Role cluster-${name}-role`,
  `create RolePolicy cluster-${name}-role`,
];

/** A backend more: what is its own, the front, which must know it, and what names the front's machine by its id. */
const ONE_MORE: Expected = {
  "aws-dev": [
    ...machine("gpu-machine-1"),
    "create MetricAlarm cluster-gpu-machine-1-alarms-hangs",
    "create Schedule cluster-gpu-machine-1-start",
    "create Schedule cluster-gpu-machine-1-stop",
    "replace Instance cluster-front",
    "update Schedule cluster-front-start",
    "update Schedule cluster-front-stop",
  ],
  "aws-prod": [
    ...machine("gpu-machine-2"),
    "create MetricAlarm cluster-gpu-machine-2-alarms-broken",
    "create MetricAlarm cluster-gpu-machine-2-alarms-hangs",
    "replace Instance cluster-front",
    "update MetricAlarm cluster-front-alarms-broken",
  ],
  "aws-graviton": [...machine("arm-machine-3"), "replace Instance cluster-front"],
  "existing-network": [
    ...machine("gpu-machine-1"),
    "create MetricAlarm cluster-gpu-machine-1-alarms-hangs",
    "replace Instance cluster-front",
  ],
};

/** A faster disk, another rate limit, more context, one more network that may come in. */
const OTHER_VALUE: Expected = {
  "aws-dev": ["update Instance cluster-front"],
  "aws-prod": ["update WebAcl cluster-access-rate"],
  "aws-graviton": ["replace Instance cluster-front"],
  "existing-network": ["create SecurityGroupIngressRule cluster-access-balancer-from-192-0-2-0-24"],
};

const clusters: Cluster[] = [
  ...(["aws-dev", "aws-prod", "aws-graviton"] as const).map((stack) => ({
    stack,
    // One machine more must not be refused for its costs.
    sections: { ...withHigherLimits(sectionsOf(stack)), model },
  })),
  {
    stack: "existing-network",
    sections: {
      target: "aws",
      model,
      aws: { region: "us-east-1", network: { vpcId: EXISTING.vpcId, subnetId: EXISTING.subnetId } },
      front: { machine: "c8g.xlarge" },
      backends: [{ name: "gpu", machine: "g6.xlarge" }],
      access: {
        mode: "private",
        privateCidr: "10.77.60.0/24",
        allowedCidrs: ["10.0.0.0/8"],
        privateLinkPrincipals: ["arn:aws:iam::123456789012:root"],
      },
    },
  },
  {
    stack: "elsewhere",
    sections: {
      target: "aws",
      model: { source: "hf:owner/repository/model.gguf" },
      aws: { region: "us-west-2" },
      front: { machine: "m8g.xlarge" },
      backends: [{ name: "gpu", machine: "p5.4xlarge", market: "capacity-block", reservation: "cr-0123456789abcdef0" }],
    },
  },
  ...randomClusters(RANDOM, SEED).map(({ stack, sections }) => ({ stack, sections: { ...sections, model } })),
];

const folder = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-terraform-"));
let reason: string | null = null;
let double: AwsDouble;
let state: StateServer;
let terraform: Terraform;
let schema: ProviderSchema;
let modules: Translated[] = [];

beforeAll(async () => {
  const { python, terraform: program, terraformProviderMirror: mirror, reasons } = await ensureAwsTestTools(ROOT);
  reason =
    reasons.terraform ?? reasons.terraformProviderMirror ?? reasons.python ?? (await noDouble(python ?? undefined));
  if (reason !== null || program === null || mirror === null || python === null) return;
  double = await startDouble(python);
  state = await startStateServer();
  terraform = new Terraform(program, mirror, folder, double.endpoint, state.address);
  terraform.write([]);
  await terraform.init();
  schema = await terraform.schema(SCHEMA);
  modules = await translated(clusters, schema, scratch);
  terraform.write(modules);
  await terraform.init();
}, LONG_MS);
afterAll(async () => {
  await double?.stop();
  await state?.stop();
  rmSync(folder, { recursive: true });
}, LONG_MS);
beforeEach((context) => {
  if (reason !== null) context.skip(reason);
});

/** A cluster's module, by its stack. */
function of(stack: string): Translated {
  const found = modules.find(({ name }) => name === stack);
  if (!found) throw new Error(`No cluster ${stack} was translated.`);
  return found;
}

describe("the resource graphs and the AWS provider", () => {
  test("translate whole, but for images, Pulumi's own resources and what only newer providers know", () => {
    const skipped = modules.flatMap(({ module }) => module.skipped);
    expect([...new Set(skipped)].sort()).toEqual([
      "aws_instance.force_destroy",
      "docker-build:index:Image",
      "pulumi:index:Stash",
    ]);
  });

  test("are accepted by the provider's own schema", { timeout: LONG_MS }, async () => {
    await terraform.validate();
  });

  test("can be created", { timeout: LONG_MS }, async () => {
    await terraform.apply();
    expect((await double.holdings()).length).toBeGreaterThan(modules.length);
  });
});

describe("a second plan", () => {
  let changes: PlannedChange[] = [];
  beforeAll(async () => {
    if (reason === null) changes = await terraform.plan();
  }, LONG_MS);

  test.each(clusters.map(({ stack }) => stack))("finds no difference in %s", (stack) => {
    const own = changes.filter(({ address }) => address.startsWith(`module.${stack}.`));
    expect(own, `The provider would change what it has just made:\n${differences(own)}`).toEqual([]);
  });
});

describe.each([
  { change: "one machine more in the first pool", changed: oneMore, expected: ONE_MORE },
  { change: "one value changed", changed: otherValue, expected: OTHER_VALUE },
])("$change", ({ changed, expected }) => {
  let after: Translated[] = [];
  let changes: PlannedChange[] = [];
  beforeAll(async () => {
    if (reason !== null) return;
    after = await translated(clusters.slice(0, STACKS.length).map(changed), schema, scratch);
    terraform.write([...after, ...modules.slice(STACKS.length)]);
    changes = await terraform.planOf(STACKS);
  }, LONG_MS);

  test.each(STACKS)("touches in %s what it has to and nothing else", (stack) => {
    const cluster = after.find(({ name }) => name === stack) ?? of(stack);
    expect(actionsOn(changes, cluster, of(stack)), differences(changes)).toEqual([...expected[stack]].sort());
  });
});

test("nothing is left after a destroy", { timeout: LONG_MS }, async () => {
  terraform.write(modules);
  await terraform.destroy();
  expect(await double.holdings()).toEqual([]);
});

function withHigherLimits(sections: Record<string, unknown>): Record<string, unknown> {
  const limits = (sections["limits"] ?? {}) as Record<string, unknown>;
  const raised = Object.keys(limits).filter((key) => /^max.*Usd$/.test(key));
  return { ...sections, limits: { ...limits, ...Object.fromEntries(raised.map((key) => [key, 1_000_000])) } };
}

function oneMore({ stack, sections }: Cluster): Cluster {
  const [first, ...others] = sections["backends"] as { count?: number }[];
  return { stack, sections: { ...sections, backends: [{ ...first, count: (first?.count ?? 1) + 1 }, ...others] } };
}

function otherValue({ stack, sections }: Cluster): Cluster {
  const other: Record<string, Record<string, unknown>> = {
    "aws-dev": { front: { diskMebibytesPerSecond: 500 } },
    "aws-prod": { access: { requestsPerFiveMinutes: 600 } },
    "aws-graviton": { model: { contextTokens: 4096 } },
    "existing-network": { access: { allowedCidrs: ["10.0.0.0/8", "192.0.2.0/24"] } },
  };
  const merged = Object.entries(other[stack] ?? {}).map(([section, values]) => [
    section,
    { ...(sections[section] as Record<string, unknown>), ...(values as Record<string, unknown>) },
  ]);
  return { stack, sections: { ...sections, ...Object.fromEntries(merged) } };
}
