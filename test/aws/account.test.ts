import { once } from "node:events";
import { createServer } from "node:net";
import * as ec2 from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { preflight } from "../../aws/account/preflight.ts";
import { parseCluster } from "../../config/parse.ts";
import { assertRunnable, type ClusterPlan, planCluster } from "../../plan/index.ts";
import { relayedDouble } from "../support/aws-double/relayed.ts";
import { small } from "../support/aws-situations.ts";

const REGION = "us-east-1";
const STACK = "account-test";
/** So long that a slow machine does not decide what a test says. */
const PATIENCE = 120;

const { double, relay } = relayedDouble();

beforeEach(() => {
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("AWS_CONFIG_FILE", "none");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "none");
  for (const name of ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"])
    vi.stubEnv(name, undefined);
  credentials("AKIDEXAMPLE", "secret");
});
afterEach(() => vi.unstubAllEnvs());

function credentials(id: string | undefined, secret: string | undefined): void {
  vi.stubEnv("AWS_ACCESS_KEY_ID", id);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", secret);
}

/** A plan of a front on c8g.large and machines with GPUs: their quota is 64 vCPUs on demand, and 0 as spot. */
function planOf(pool: Record<string, unknown> = {}, more: Record<string, unknown> = {}): ClusterPlan {
  const { aws, ...others } = more;
  const raw = {
    target: "aws",
    aws: { region: REGION, ...(aws as object) },
    model: { source: "hf:owner/repository/model.gguf" },
    front: { machine: "c8g.large" },
    backends: [{ name: "gpu", machine: "g6.xlarge", count: 2, ...pool }],
    ...others,
  };
  return planCluster(parseCluster(raw, "plan"), small, { stack: STACK });
}

const ask = (plan: ClusterPlan, timeoutSeconds = PATIENCE) =>
  preflight(plan, STACK, { timeoutSeconds, connection: { endpoint: relay().endpoint } });

const client = () =>
  new ec2.EC2Client({
    endpoint: double().endpoint,
    region: REGION,
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
  });

/** Runs a machine, and takes it away after the test's work. */
async function withInstance<T>(
  type: ec2._InstanceType,
  zone: string,
  stack: string,
  work: () => Promise<T>,
): Promise<T> {
  const { Images = [] } = await client().send(
    new ec2.DescribeImagesCommand({ Filters: [{ Name: "architecture", Values: ["x86_64"] }] }),
  );
  const Tags = [{ Key: "llama-rpc-cluster/stack", Value: stack }];
  const { Instances = [] } = await client().send(
    new ec2.RunInstancesCommand({
      ImageId: Images[0]?.ImageId,
      InstanceType: type,
      MinCount: 1,
      MaxCount: 1,
      Placement: { AvailabilityZone: zone },
      TagSpecifications: [{ ResourceType: "instance", Tags }],
    }),
  );
  try {
    return await work();
  } finally {
    await client().send(new ec2.TerminateInstancesCommand({ InstanceIds: [Instances[0]?.InstanceId ?? ""] }));
  }
}

const codesOf = ({ findings }: ClusterPlan) => findings.map(({ code }) => code);

describe("a preview that has credentials", () => {
  test("says nothing of quotas that are enough, and takes the first zone that offers everything", async () => {
    const plan = planOf();
    expect(codesOf(plan)).toContain("quota-needed");
    const checked = await ask(plan);
    expect(checked.note).toBeNull();
    expect(codesOf(checked.plan).filter((code) => /quota|zone/.test(code))).toEqual([]);
    expect(checked.plan.aws?.availabilityZone).toBe("us-east-1a");
  });

  test("refuses the plan in an account whose quota is 0, and says which one to raise to what", async () => {
    const { plan } = await ask(planOf({ market: "spot" }));
    expect(() => assertRunnable(plan)).toThrow(
      /need 8 vCPUs of L-3819A6DF, but the account may run only 0 in us-east-1\.\n.*--quota-code L-3819A6DF --desired-value 8`.*\(F24 quota-too-small\)/,
    );
  });

  test("counts what others run against the quota, and the stack's own machines once", async () => {
    const most = planOf({ machine: "g6.4xlarge", count: 4 });
    expect(codesOf((await ask(most)).plan)).not.toContain("quota-too-small");
    const others = await withInstance("g6.xlarge", "us-east-1c", "another-stack", () => ask(most));
    const found = others.plan.findings.find(({ code }) => code === "quota-too-small");
    expect(found?.message).toMatch(
      /need 64 vCPUs of L-DB2E81BA, but the account may run only 64 .* of which other machines use 4\.$/,
    );

    const again = await withInstance("g6.xlarge", "us-east-1c", STACK, () => ask(most));
    expect(codesOf(again.plan)).not.toContain("quota-too-small");
    expect(again.plan.aws?.availabilityZone, "the zone that the stack is in already").toBe("us-east-1c");
  });

  test("looks at the zone that the stack file names", async () => {
    const { plan } = await ask(planOf({}, { aws: { availabilityZone: "us-east-1e" } }));
    const found = plan.findings.find(({ code }) => code === "zone-lacks-type");
    expect(found?.message).toBe("Availability zone us-east-1e does not offer c8g.large and g6.xlarge.");
    expect(plan.aws?.availabilityZone).toBe("us-east-1e");
  });

  test("looks at a network that exists: its subnet, its zone and who has its addresses", async () => {
    const { Vpc } = await client().send(new ec2.CreateVpcCommand({ CidrBlock: "10.7.0.0/16" }));
    const vpcId = Vpc?.VpcId ?? "";
    const { Subnet } = await client().send(
      new ec2.CreateSubnetCommand({ VpcId: vpcId, CidrBlock: "10.7.3.0/24", AvailabilityZone: "us-east-1b" }),
    );
    const subnetId = Subnet?.SubnetId ?? "";
    const access = { privateCidr: "10.7.3.0/25" };
    const plan = planOf({}, { aws: { network: { vpcId, subnetId } }, access });
    const before = await ask(plan);
    expect(codesOf(before.plan)).not.toContain("network-unsuitable");
    expect(before.plan.aws?.availabilityZone).toBe("us-east-1b");

    const address = plan.front.address;
    const taken = { SubnetId: subnetId, PrivateIpAddress: address };
    await client().send(new ec2.CreateNetworkInterfaceCommand(taken));
    const found = (await ask(plan)).plan.findings.find(({ code }) => code === "network-unsuitable");
    expect(found?.message).toBe(`Address ${address} of ${subnetId} is already in use.`);

    const lost = planOf({}, { aws: { network: { vpcId, subnetId: "subnet-0123456789abcdef0" } }, access });
    const missing = (await ask(lost)).plan.findings.find(({ code }) => code === "network-unsuitable");
    expect(missing?.message).toBe("There is no subnet subnet-0123456789abcdef0 in us-east-1.");
  });

  test("looks at a reservation: its type, its zone and the room in it", async () => {
    const id = "cr-0123456789abcdef0";
    const item = {
      capacityReservationId: id,
      state: "active",
      instanceType: "g6.xlarge",
      availabilityZone: "us-east-1c",
    };
    const fields = Object.entries({ ...item, availableInstanceCount: 1 }).map(
      ([name, text]) => `<${name}>${text}</${name}>`,
    );
    // The double knows no reservations.
    relay().answers.push({
      match: "Action=DescribeCapacityReservations",
      status: 200,
      body: `<R><capacityReservationSet><item>${fields.join("")}</item></capacityReservationSet></R>`,
    });
    const { plan } = await ask(planOf({ reservation: id }));
    const found = plan.findings.find(({ code }) => code === "reservation-unsuitable");
    expect(found?.message).toBe(`Reservation ${id} has room for 1 machine, but the cluster needs 2 in it.`);
    expect(plan.aws?.availabilityZone).toBe("us-east-1c");
  });

  test("that may not ask everything uses what it is told, and says what it was refused", async () => {
    relay().answers.push({
      match: "Action=DescribeInstances&",
      status: 403,
      body: "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>not you</Message></Error></Errors></Response>",
    });
    const { plan, note } = await ask(planOf({ market: "spot" }));
    expect(codesOf(plan)[0]).toBe("quota-too-small");
    expect(note).toMatch(
      /^Not everything was checked\. AWS refuses ec2:DescribeInstances in us-east-1 \(UnauthorizedOperation: not you\): the credentials need /,
    );
  });
});

describe("a preview that can't ask AWS keeps the plan as it is and says why in one sentence", () => {
  test("without credentials", async () => {
    credentials(undefined, undefined);
    const plan = planOf();
    const checked = await ask(plan);
    expect(checked.plan).toBe(plan);
    expect(checked.note).toMatch(/^The account's quotas and zones were not checked\. There are no AWS credentials \(/);
  });

  test("with credentials that AWS does not know", async () => {
    relay().answers.push({
      match: "Action=Describe",
      status: 401,
      body: "<Response><Errors><Error><Code>AuthFailure</Code><Message>who are you</Message></Error></Errors></Response>",
    });
    const plan = planOf();
    const checked = await ask(plan);
    expect(checked.plan).toBe(plan);
    expect(checked.note).toMatch(
      /not checked\. AWS does not accept the credentials for .* \(AuthFailure: who are you\): run /,
    );
  });

  test("without a network", async () => {
    const plan = planOf();
    const checked = await preflight(plan, STACK, {
      timeoutSeconds: PATIENCE,
      connection: { endpoint: "http://127.0.0.1:9" },
    });
    expect(checked.plan).toBe(plan);
    expect(checked.note).toMatch(/not checked\. AWS can't be reached for .* ECONNREFUSED .*: check the network\.$/);
  });

  test("when AWS does not answer in time", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = silent.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    const plan = planOf();
    const connection = { endpoint: `http://127.0.0.1:${address.port}` };
    const checked = await preflight(plan, STACK, { timeoutSeconds: 1, connection });
    silent.close();
    expect(checked.plan).toBe(plan);
    expect(checked.note).toBe("The account's quotas and zones were not checked. AWS did not answer within 1 s.");
  });
});
