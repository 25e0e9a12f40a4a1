import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import * as ec2 from "@aws-sdk/client-ec2";
import * as ssm from "@aws-sdk/client-ssm";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { awsClusterChecks } from "../../cli/doctor/aws-cluster.ts";
import type { Check } from "../../cli/doctor/health.ts";
import type { Outputs } from "../../cli/live/cluster.ts";
import type { AwsPlan } from "../../plan/resources/aws.ts";
import { type AwsDouble, noDouble, startDouble } from "../support/aws-double/server.ts";
import { awsPlan } from "../support/aws-plans.ts";
import { type AwsRelay, awsRelay } from "../support/aws-relay.ts";

const ROOT = join(import.meta.dirname, "../..");
/** The command is a process that loads the AWS SDK, and it starts Pulumi. */
const COMMAND_MS = 240_000;
const REGION = "us-east-1";
/** Its stack file is there; the cluster is made up here. */
const STACK = "aws-dev";
const KEY = "only for tests";
const CREDENTIALS = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret" };

let reason: string | null = null;
let double: AwsDouble | null = null;
let relay: AwsRelay | null = null;
let front: Server | null = null;
let cluster: { outputs: Outputs; aws: AwsPlan } | null = null;

beforeAll(async () => {
  reason = await noDouble();
  if (reason !== null) return;
  double = await startDouble();
  relay = await awsRelay(double.endpoint);
  front = await frontLike(KEY);
});
afterAll(async () => {
  await relay?.close();
  await double?.stop();
  front?.close();
});
beforeEach(async (context) => {
  if (reason !== null) context.skip(reason);
  if (relay === null || double === null) throw new Error("the double of AWS is not running");
  relay.answers = [];
  for (const [name, value] of Object.entries(awsEnvironment(relay.endpoint))) vi.stubEnv(name, value);
  await fetch(`${double.endpoint}/moto-api/reset`, { method: "POST" });
  cluster = clusterOn(addressOf(front));
});
afterEach(() => vi.unstubAllEnvs());

const awsEnvironment = (endpoint: string) => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_CONFIG_FILE: "none",
  AWS_SHARED_CREDENTIALS_FILE: "none",
  ...CREDENTIALS,
});

/** What a front says of itself, and to whom. */
async function frontLike(key: string): Promise<Server> {
  const server = createServer((request, response) => {
    const isOpen = request.url === "/health" || request.headers.authorization === `Bearer ${key}`;
    response.writeHead(isOpen ? 200 : 401).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function addressOf(server: Server | null): string {
  const address = server?.address() ?? null;
  if (address === null || typeof address === "string") throw new Error("the front has no port");
  return `http://127.0.0.1:${address.port}`;
}

/** Outputs of a stack with a front and two backends. */
function clusterOn(endpoint: string): { outputs: Outputs; aws: AwsPlan } {
  const plan = awsPlan({ backends: [{ name: "arm", machine: "c8g.16xlarge", count: 2, layers: [50, 49] }] });
  if (plan.aws === null) throw new Error("the plan is not one of target aws");
  return { outputs: { endpoint, apiKey: KEY, connect: "aws ssm start-session --target i-0f", plan }, aws: plan.aws };
}

/** The double's side, as if the machines were there. */
class Machines {
  readonly #ec2: ec2.EC2Client;
  readonly #ssm: ssm.SSMClient;
  readonly ids = new Map<string, string>();

  constructor() {
    const options = {
      endpoint: double?.endpoint ?? "",
      region: REGION,
      credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
    };
    this.#ec2 = new ec2.EC2Client(options);
    this.#ssm = new ssm.SSMClient(options);
  }

  /** Runs an instance for each machine of the plan, at its address and by its name. */
  static async running(): Promise<Machines> {
    const machines = new Machines();
    if (cluster === null) throw new Error("there is no cluster");
    const { aws, outputs } = cluster;
    if (aws.network.kind !== "own") throw new Error("the plan has no network of its own");
    const { Vpc } = await machines.#ec2.send(new ec2.CreateVpcCommand({ CidrBlock: aws.network.vpcCidr }));
    const { Subnet } = await machines.#ec2.send(
      new ec2.CreateSubnetCommand({ VpcId: Vpc?.VpcId, CidrBlock: aws.network.clusterCidr }),
    );
    const { Images = [] } = await machines.#ec2.send(
      new ec2.DescribeImagesCommand({ Filters: [{ Name: "architecture", Values: ["arm64"] }] }),
    );
    for (const { name, type, address } of outputs.plan.machines) {
      const { Instances = [] } = await machines.#ec2.send(
        new ec2.RunInstancesCommand({
          ImageId: Images[0]?.ImageId,
          InstanceType: ec2._InstanceType[type.replace(".", "_") as keyof typeof ec2._InstanceType],
          MinCount: 1,
          MaxCount: 1,
          SubnetId: Subnet?.SubnetId,
          PrivateIpAddress: address,
          TagSpecifications: [{ ResourceType: "instance", Tags: tagsOf(name) }],
        }),
      );
      machines.ids.set(name, Instances[0]?.InstanceId ?? "");
    }
    return machines;
  }

  id(name: string): string {
    const id = this.ids.get(name);
    if (id === undefined) throw new Error(`${name} is none of ${[...this.ids.keys()].join(", ")}`);
    return id;
  }

  /** Writes what the machine would. */
  async say(name: string, words: string, secondsAgo = 0): Promise<void> {
    const Value = `${Math.floor(Date.now() / 1000) - secondsAgo} ${words}`;
    const Name = `/llama-rpc-cluster/${STACK}/status/${name}`;
    await this.#ssm.send(new ssm.PutParameterCommand({ Name, Value, Type: "String", Overwrite: true }));
  }

  async allServe(): Promise<void> {
    for (const name of this.ids.keys()) await this.say(name, "serving ready answered");
  }

  async stop(name: string): Promise<void> {
    await this.#ec2.send(new ec2.StopInstancesCommand({ InstanceIds: [this.id(name)] }));
  }

  async terminate(name: string): Promise<void> {
    await this.#ec2.send(new ec2.TerminateInstancesCommand({ InstanceIds: [this.id(name)] }));
  }
}

const tagsOf = (name: string) => [
  { Key: "llama-rpc-cluster/stack", Value: STACK },
  { Key: "Name", Value: `llama-rpc-cluster-${STACK}-${name}` },
];

/** What doctor says of the cluster. */
async function checks(): Promise<Check[]> {
  if (cluster === null) throw new Error("there is no cluster");
  return awsClusterChecks(STACK, cluster.outputs, cluster.aws, new AbortController().signal);
}

/** The same, a line for each thing. */
async function found(): Promise<string[]> {
  return (await checks()).map(({ name, found, remedy }) => `${remedy === null ? "ok" : "wrong"} ${name}: ${found}`);
}

/** The lines of what is not well. */
const wrong = async () => (await found()).filter((line) => line.startsWith("wrong "));

describe("npm run doctor, for a stack on EC2", () => {
  test("finds all machines by their names and tags, and nothing wrong with those that serve", async () => {
    const machines = await Machines.running();
    await machines.allServe();
    expect(await found()).toEqual([
      expect.stringMatching(/^ok machine front: serving since \d{4}-\d\d-\d\d \d\d:\d\d UTC \(c8g\.4xlarge, i-/),
      expect.stringContaining(machines.id("arm-machine-0")),
      expect.stringContaining(machines.id("arm-machine-1")),
      `ok front: ${addressOf(front)} is ready`,
      "ok API key: required, and the stack's key is accepted",
    ]);
  });

  test("tells apart what failed, what is stopped and what is gone", async () => {
    const machines = await Machines.running();
    await machines.say("front", "image failed the registry has no such digest: run pulumi up");
    await machines.say("arm-machine-0", "serving done stopped: up for 12 hours (limits.stopAfterHours)");
    await machines.stop("arm-machine-0");
    await machines.terminate("arm-machine-1");
    expect(await wrong()).toEqual([
      expect.stringMatching(/^wrong machine front: failed at image \d+ s ago: the registry has no such digest/),
      `wrong machine arm-machine-0: stopped (c8g.16xlarge, ${machines.id("arm-machine-0")}), by itself: up for 12 hours (limits.stopAfterHours)`,
      "wrong machine arm-machine-1: does not exist (c8g.16xlarge)",
    ]);
  });

  test("takes no word of an earlier machine for one of this", async () => {
    await new Machines().say("arm-machine-0", "serving ready answered");
    // The double's clock of starts has seconds.
    await new Promise((wake) => setTimeout(wake, 1100));
    const machines = await Machines.running();
    await machines.say("front", "serving ready answered");
    await machines.say("arm-machine-1", "serving ready answered");
    expect(await wrong()).toEqual([
      expect.stringMatching(/^wrong machine arm-machine-0: has reported nothing in the \d+ s since its start/),
    ]);
  });

  test("reads what a machine that can't reach SSM says on its console", async () => {
    const machines = await Machines.running();
    await machines.say("front", "serving ready answered");
    await machines.say("arm-machine-1", "serving ready answered");
    const line = `[   12.3] llama-rpc-cluster arm-machine-0: ${Math.floor(Date.now() / 1000)} booted failed the clock is wrong`;
    relay?.answers.push({
      match: "Action=GetConsoleOutput",
      status: 200,
      body: `<GetConsoleOutputResponse><output>${Buffer.from(line).toString("base64")}</output></GetConsoleOutputResponse>`,
    });
    expect(await wrong()).toEqual([
      expect.stringMatching(/arm-machine-0: failed at booted .* on its console only.*: the clock is wrong$/),
    ]);
  });

  test("says in one sentence why AWS can't be asked, and still looks at the front", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", undefined);
    const [machines, ...others] = await checks();
    expect(machines).toEqual({
      name: "machines",
      found: expect.stringMatching(/^There are no AWS credentials \(/),
      remedy: expect.stringMatching(/^run `aws sso login`, or set AWS_PROFILE/),
    });
    expect(others.map(({ name, remedy }) => [name, remedy])).toEqual([
      ["front", null],
      ["API key", null],
    ]);
    vi.stubEnv("AWS_ACCESS_KEY_ID", CREDENTIALS.AWS_ACCESS_KEY_ID);
    relay?.answers.push({
      match: "Action=DescribeInstances",
      status: 403,
      body: "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized.</Message></Error></Errors></Response>",
    });
    expect((await checks())[0]).toEqual({
      name: "machines",
      found: "AWS refuses a look at the machines in us-east-1 (UnauthorizedOperation: You are not authorized)",
      remedy: "the credentials need ec2:DescribeInstances, ec2:GetConsoleOutput and ssm:GetParameters",
    });
  });

  test("shows a stack that Pulumi knows, what this machine lacks for it, and the way to a front without a session", {
    timeout: COMMAND_MS,
  }, async (context) => {
    const pulumi = join(ROOT, ".toolchain/bin/pulumi");
    if (!existsSync(pulumi)) context.skip("there is no .toolchain/bin/pulumi: npm start gets it");
    const machines = await Machines.running();
    await machines.allServe();
    const { exitCode, stdout } = await doctorOfCopy("http://127.0.0.1:1");
    expect(stdout).toMatch(/^ {2}ok {4}AWS credentials: accepted in us-east-1$/m);
    expect(stdout).toMatch(/^ {2}(ok {3}|WRONG) Session Manager plugin: /m);
    expect(stdout).not.toMatch(/docker plugin/);
    const [, clusterLines = ""] = stdout.split(`Cluster of stack ${STACK}\n`);
    expect(clusterLines.split("\n").slice(0, 5)).toEqual([
      expect.stringMatching(/^ {2}ok {4}machine front: serving since/),
      expect.stringMatching(/^ {2}ok {4}machine arm-machine-0: serving since/),
      expect.stringMatching(/^ {2}ok {4}machine arm-machine-1: serving since/),
      "  ?     front: not checked, because nothing answers on http://127.0.0.1:1: no session is open",
      "        -> open the session in another terminal and run this again: aws ssm start-session --target i-0f",
    ]);
    expect(clusterLines).toMatch(/One thing could not be checked\.$/);
    expect(stdout, "the key is nobody's to read").not.toContain(KEY);
    expect(exitCode, "what is wrong with this machine counts").toBe(stdout.includes("WRONG") ? 1 : 0);
  });
});

/** Runs the command in a copy of the project, where Pulumi's state says that the cluster is up. */
async function doctorOfCopy(endpoint: string) {
  const project = mkdtempSync(join(tmpdir(), "doctor-"));
  try {
    for (const part of [
      "cli",
      "setup",
      "offline",
      "aws",
      "report",
      "components",
      "plan",
      "config",
      "stacks",
      "package.json",
      "Pulumi.yaml",
    ])
      cpSync(join(ROOT, part), join(project, part), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(project, "node_modules"));
    mkdirSync(join(project, "state"));
    const options = {
      cwd: project,
      extendEnv: false,
      env: {
        PATH: [join(ROOT, ".toolchain/bin"), process.env["PATH"] ?? ""].join(delimiter),
        HOME: process.env["HOME"] ?? "",
        PULUMI_BACKEND_URL: `file://${join(project, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: "only for tests",
        ...awsEnvironment(relay?.endpoint ?? ""),
      },
    };
    writeFileSync(join(project, "state.json"), JSON.stringify(stateWith({ ...cluster?.outputs, endpoint })));
    await execa("pulumi", ["stack", "init", STACK], options);
    await execa("pulumi", ["stack", "import", "--stack", STACK, "--file", "state.json"], options);
    return await execa(process.execPath, ["cli/main.ts", "doctor", "-s", STACK], { ...options, reject: false });
  } finally {
    rmSync(project, { recursive: true });
  }
}

/** State of a stack that has these outputs. */
const stateWith = (outputs: object) => ({
  version: 3,
  deployment: {
    manifest: { time: "2026-01-01T00:00:00Z", magic: "", version: "" },
    resources: [
      {
        urn: `urn:pulumi:${STACK}::llama-rpc-cluster::pulumi:pulumi:Stack::llama-rpc-cluster-${STACK}`,
        custom: false,
        type: "pulumi:pulumi:Stack",
        outputs,
      },
    ],
  },
});
