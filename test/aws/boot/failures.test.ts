import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseStatus } from "../../../aws/machine-status.ts";
import type { ContainerBoot, NodeBoot } from "../../../components/aws/boot/node-boot.ts";
import { bootScripts } from "../../../components/aws/boot/scripts.ts";
import { MIB } from "../../../config/units.ts";
import { BUILD_TIMEOUT_MS, buildImages, images, root } from "../../image/images.ts";
import { type AwsTestTools, ensureAwsTestTools } from "../../support/test-tools.ts";
import { BootedMachine } from "../support/boot-machine.ts";
import { backendNode, frontNode } from "../support/boot-nodes.ts";
import { bootTools, freePort, Services } from "../support/boot-services.ts";

interface Skippable {
  skip(reason: string): never;
}

/** Bound for a machine that is busy with other things; seconds suffice on a quiet one. */
const LIMIT_SECONDS = 240;
const KEY = randomBytes(24).toString("hex");
const KEY_PARAMETER = "/llama-rpc-cluster/test/api-key";

let tools: AwsTestTools;
let aws = "";
let services: Services | undefined;
let skipped: string | undefined;
let image = "";

beforeAll(async () => {
  tools = await ensureAwsTestTools(root);
  const needed = bootTools(tools);
  if (typeof needed === "string") {
    skipped = needed;
    return;
  }
  aws = needed.aws;
  await buildImages();
  services = await Services.start(needed);
  image = await services.push(images.server, "cpu-server");
  await services.upload("models/small.gguf", "GGUF");
  await services.storeKey(KEY_PARAMETER, KEY);
}, BUILD_TIMEOUT_MS);

afterAll(() => services?.stop());

const unique = (role: string) => `llama-rpc-boot-${role}-${randomBytes(4).toString("hex")}`;

/** What all machines of these tests share. */
const shared = (): Partial<NodeBoot> => ({
  statusParameter: `/llama-rpc-cluster/test/status/${unique("machine")}`,
  bucket: services?.bucket ?? "",
});

function backend(container: Partial<ContainerBoot>, deviation: Partial<NodeBoot> = {}): NodeBoot {
  return backendNode({ name: unique("backend"), image, ...container }, { ...shared(), ...deviation });
}

/** A front, and what is wrong with it: its container, its model, its key. */
function front({
  keys = ["models/small.gguf"],
  bytes = 4,
  bucket = services?.bucket ?? "",
  keyParameter = KEY_PARAMETER,
  environment = {},
}): NodeBoot {
  const boot = { keyParameter, model: { bucket, keys, bytes }, startupSeconds: 10 };
  return frontNode({ name: unique("front"), image, environment }, { ...shared(), front: boot });
}

/** How a boot is to be made to fail, beyond what the machine is told. */
interface Trouble {
  /** Program before the boot's own. */
  wrapper?: readonly string[];
  fetchesScripts?: boolean;
  prepare?: (machine: BootedMachine) => Promise<void>;
  /** Looks at the machine before it is taken away. */
  afterwards?: (machine: BootedMachine) => Promise<void>;
}

/** Boots a machine that must fail, and returns what its operator reads from outside: the same in both places. */
async function failureOf(node: NodeBoot, context: Skippable, trouble: Trouble = {}): Promise<string> {
  if (services === undefined) return context.skip(skipped ?? "no services");
  const machine = await BootedMachine.make(node, { aws, environment: services.environment }, trouble.fetchesScripts);
  try {
    await trouble.prepare?.(machine);
    const ended = await machine.run(["node.sh", node.containers[0]?.name ?? ""], LIMIT_SECONDS, trouble.wrapper);
    expect(ended.exitCode, ended.output).toBe(1);
    const told = (await machine.statuses()).at(-1);
    expect(told?.state, ended.output).toBe("failed");
    const parameter = parseStatus((await services.history(node.statusParameter)).at(-1) ?? "");
    expect(parameter, "the parameter says what the console says").toEqual(told);
    await trouble.afterwards?.(machine);
    return `${told?.step}: ${told?.text}`;
  } finally {
    await machine.remove();
  }
}

/** A file system of 64 MiB in place of the machine's disk. */
async function mountSmallDisk(machine: BootedMachine, context: Skippable): Promise<void> {
  const disk = join(machine.root, "var/lib/llama-rpc-cluster");
  await mkdir(disk, { recursive: true });
  const mounted = await execa("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], { reject: false, all: true });
  if (mounted.exitCode !== 0) context.skip(`no file system of 64 MiB can be mounted here: ${mounted.all}`);
  machine.beforeRemoval(() => execa("umount", [disk], { reject: false }));
}

describe.concurrent("a boot ends with one line, outside and on the console, on", { timeout: 600_000 }, () => {
  test("a digest that the registry does not have", async (context) => {
    const missing = services?.missingImage() ?? "";
    const failure = await failureOf(backend({ image: missing }), context);
    expect(failure).toMatch(/^image: .*@sha256:0{64}: the registry has no such digest \(.*manifest.*\): run pulumi up/);
  });

  test("a registry that is away", async (context) => {
    const away = `127.0.0.1:${await freePort()}/cpu-backend@sha256:${"0".repeat(64)}`;
    const failure = await failureOf(backend({ image: away }), context);
    expect(failure).toMatch(
      /^image: .*the registry can't be reached \(.*refused\): the VPC needs the endpoints ecr\.api/,
    );
  });

  test("a bucket without the model", async (context) => {
    const failure = await failureOf(front({ keys: ["models/nothing.gguf"] }), context);
    expect(failure).toMatch(/^model: s3:\/\/\S+\/models\/nothing\.gguf does not exist: run pulumi up/);
  });

  test("a bucket that is not there", async (context) => {
    const failure = await failureOf(front({ bucket: "llama-rpc-cluster-nowhere" }), context);
    expect(failure).toMatch(
      /^model: s3:\/\/llama-rpc-cluster-nowhere\/models\/small\.gguf does not exist: run pulumi up/,
    );
  });

  test("a model of another size than the plan's", async (context) => {
    const failure = await failureOf(front({ bytes: 5 }), context);
    expect(failure).toMatch(/^model: .* holds 4 bytes of the model, but the plan says 5: run pulumi up/);
  });

  test("an API key that is not there", async (context) => {
    const nowhere = "/llama-rpc-cluster/test/nowhere";
    const failure = await failureOf(front({ keyParameter: nowhere }), context);
    expect(failure).toBe(`key: the parameter ${nowhere} does not exist: run pulumi up, which creates it`);
  });

  test("a clock that is wrong", async (context) => {
    const wrapper = [tools.faketime ?? context.skip(tools.reasons.faketime ?? "no faketime"), "10 minutes"];
    const failure = await failureOf(backend({}), context, {
      wrapper,
      afterwards: async (machine) => expect(await machine.called()).toContain("chronyc -a makestep"),
    });
    expect(failure).toMatch(/^booted: the clock is wrong by (59\d|6\d\d) s, .*169\.254\.169\.123/);
  });

  test("a disk that can't hold the model", async (context) => {
    const bytes = 80 * MIB;
    await services?.upload("models/large.gguf", new Uint8Array(bytes));
    const failure = await failureOf(front({ keys: ["models/large.gguf"], bytes }), context, {
      prepare: (machine) => mountSmallDisk(machine, context),
    });
    expect(failure).toMatch(
      /^model: disk full: the model needs 0\.3 GiB and \S+ has 0\.1 GiB free; give the machine a larger disk$/,
    );
  });

  test("a disk that can't hold the image", async (context) => {
    const missing = services?.missingImage() ?? "";
    const failure = await failureOf(backend({ image: missing }), context, {
      prepare: (machine) => machine.standIn("df", "echo Avail; echo 1000000000"),
    });
    expect(failure).toMatch(
      /^image: disk full: the image needs 2\.0 GiB and \S+ has 0\.9 GiB free; give the machine a larger disk$/,
    );
  });

  test("scripts that are not in the bucket", async (context) => {
    const failure = await failureOf(backend({}, { bucket: "llama-rpc-cluster-nowhere" }), context, {
      fetchesScripts: true,
    });
    expect(failure).toMatch(
      /^booted: s3:\/\/llama-rpc-cluster-nowhere\/boot\/[0-9a-f]{64} \(node\.sh\): .*; let the machine's role read it/,
    );
  });

  test("a script in the bucket that is not the one that the user data names", async (context) => {
    const bucket = "llama-rpc-cluster-tampered";
    await services?.makeBucket(bucket);
    await services?.upload(bootScripts.node.key, `${bootScripts.node.body}echo more\n`, bucket);
    const failure = await failureOf(backend({}, { bucket }), context, { fetchesScripts: true });
    expect(failure).toMatch(/^booted: .*\(node\.sh\): its SHA-256 differs/);
  });

  test("Amazon Linux's image without the registry's helper, and no way to its packages", async (context) => {
    const ecr = `123456789012.dkr.ecr.us-east-1.amazonaws.com/llama-rpc-cluster/test/cpu@sha256:${"0".repeat(64)}`;
    const failure = await failureOf(backend({ image: ecr }), context, {
      afterwards: async (machine) =>
        expect(await machine.called()).toContainEqual(
          expect.stringMatching(/^dnf install .*--enablerepo=amazonlinux\* amazon-ecr-credential-helper$/),
        ),
    });
    expect(failure).toMatch(/^docker: amazon-ecr-credential-helper can't be installed: .*al2023-repos-us-east-1/);
  });

  test("a GPU's machine without a driver", async (context) => {
    const failure = await failureOf(backend({ gpus: "0" }), context);
    expect(failure).toMatch(/^docker: no NVIDIA driver answers/);
  });

  test("backends that do not come", async (context) => {
    const environment = {
      ...{ APP_MODE: "server", APP_BIND: "127.0.0.1", APP_PORT: String(await freePort()) },
      ...{ APP_MODEL: "/models/small.gguf", APP_WAIT_SECONDS: "4" },
      APP_RPC_BACKENDS: `127.0.0.2:${await freePort("127.0.0.2")}`,
    };
    const failure = await failureOf(front({ environment }), context, {
      afterwards: async (machine) => expect(await machine.told()).toContain("backends running 0 of 1"),
    });
    expect(failure).toMatch(
      /^backends: \S+ ended with status 1: backends 0 of 1 ready after APP_WAIT_SECONDS=4: 127\.0\.0\.2:\d+: no answer/,
    );
  });

  test("a failure is overwritten by the next try, which says that it is one", async (context) => {
    const node = backend({ image: services?.missingImage() ?? "" });
    await failureOf(node, context, {
      afterwards: async (machine) => {
        await machine.run(["node.sh", node.containers[0]?.name ?? ""], LIMIT_SECONDS);
        const tries = (await machine.told()).filter((line) => line.startsWith("booted"));
        expect(tries).toEqual(["booted running try 1", "booted running try 2"]);
      },
    });
  });
});
