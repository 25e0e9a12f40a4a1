import { randomBytes } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type NodeStatus, parseStatus } from "../../../aws/machine-status.ts";
import type { NodeBoot } from "../../../components/aws/boot/node-boot.ts";
import { renderUserData } from "../../../components/aws/boot/user-data.ts";
import { docker } from "../../image/containers.ts";
import { BUILD_TIMEOUT_MS, buildImages, images, model, modelMissing, root } from "../../image/images.ts";
import { ensureAwsTestTools } from "../../support/test-tools.ts";
import { BootedMachine, METADATA_RULE } from "../support/boot-machine.ts";
import { backendNode, frontNode } from "../support/boot-nodes.ts";
import type { Program } from "../support/boot-program.ts";
import { bootTools, freePort, Services } from "../support/boot-services.ts";

const KEY = randomBytes(24).toString("hex");
const KEY_PARAMETER = "/llama-rpc-cluster/test/api-key";
const BACKENDS_ADDRESS = "127.0.0.2";
/** Bounds for a machine that is busy with other things; seconds suffice on a quiet one. */
const STARTUP_SECONDS = 300;
const LIMIT_MS = 900_000;
const id = randomBytes(4).toString("hex");
const names = { first: `boot-${id}-cpu-0`, second: `boot-${id}-cpu-1`, front: `boot-${id}-front` };

/** Two machines, the images and the model where a machine gets them. */
interface Cluster {
  services: Services;
  backends: BootedMachine;
  front: BootedMachine;
  endpoint: string;
  running: Program[];
}

let cluster: Cluster | undefined;
let skipped = "";

beforeAll(async () => {
  const tools = bootTools(await ensureAwsTestTools(root));
  skipped = typeof tools === "string" ? tools : (modelMissing() ?? "");
  if (typeof tools === "string" || skipped !== "") return;
  await buildImages();
  const services = await Services.start(tools);
  const file = await readFile(join(model.folder, model.file));
  await services.upload(`models/${model.file}`, file);
  await services.storeKey(KEY_PARAMETER, KEY);
  const ports = [await freePort(BACKENDS_ADDRESS), await freePort(BACKENDS_ADDRESS)];
  const port = await freePort();
  const shared = { region: services.region, bucket: services.bucket, stopAfterIdleMinutes: 30 };
  const surroundings = { aws: tools.aws, environment: services.environment };
  const backends = await BootedMachine.make(
    backendsNode(await services.push(images.backend, "cpu-backend"), ports, shared),
    surroundings,
    true,
  );
  const front = await BootedMachine.make(
    frontNode(
      {
        name: names.front,
        image: await services.push(images.server, "cpu-server"),
        environment: frontEnvironment(port, ports),
        memoryBytes: 2 ** 30,
      },
      {
        ...shared,
        front: {
          keyParameter: KEY_PARAMETER,
          model: { bucket: services.bucket, keys: [`models/${model.file}`], bytes: file.byteLength },
          startupSeconds: STARTUP_SECONDS,
        },
      },
    ),
    surroundings,
    true,
  );
  cluster = { services, backends, front, endpoint: `http://127.0.0.1:${port}`, running: [] };
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await cluster?.front.remove();
  await cluster?.backends.remove();
  await cluster?.services.stop();
});

function backendsNode(image: string, ports: readonly number[], shared: Partial<NodeBoot>): NodeBoot {
  const containers = [names.first, names.second].map((name, index) => ({
    name,
    role: "backend" as const,
    image,
    environment: {
      ...{ APP_MODE: "backend", APP_BIND: BACKENDS_ADDRESS, APP_PORT: String(ports[index]) },
      ...{ APP_MEM: "512", APP_THREADS: "1", APP_CACHE: "1" },
    },
    arguments: [],
    gpus: null,
    memoryBytes: 700 * 2 ** 20,
  }));
  return backendNode({}, { ...shared, containers });
}

function frontEnvironment(port: number, ports: readonly number[]): Record<string, string> {
  return {
    ...{ APP_MODE: "server", APP_BIND: "0.0.0.0", APP_PORT: String(port), APP_MODEL: `/models/${model.file}` },
    ...{ APP_RPC_BACKENDS: ports.map((one) => `${BACKENDS_ADDRESS}:${one}`).join(","), APP_GPU_LAYERS: "99" },
    ...{ APP_THREADS: "1", APP_WAIT_SECONDS: String(STARTUP_SECONDS), LLAMA_ARG_TENSOR_SPLIT: "1,1" },
    ...{ LLAMA_ARG_CTX_SIZE: "512", LLAMA_ARG_N_PARALLEL: "1", LLAMA_ARG_FIT: "off", LLAMA_ARG_CACHE_RAM: "0" },
    ...{
      LLAMA_ARG_API_KEY_FILE: "/run/secrets/api-key",
      LLAMA_ARG_ENDPOINT_METRICS: "1",
      LLAMA_ARG_LOG_VERBOSITY: "4",
    },
  };
}

const isReady = ({ step, state }: NodeStatus) => step === "serving" && state === "ready";

async function answer(endpoint: string, headers: Record<string, string>): Promise<Response> {
  return fetch(`${endpoint}/completion`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ prompt: "The capital of France is", n_predict: 8, temperature: 0 }),
    signal: AbortSignal.timeout(60_000),
  });
}

/** The cluster, or a skip with its reason. */
function need(context: { skip(reason: string): never }): Cluster {
  return cluster ?? context.skip(skipped || "the machines were not made");
}

describe("two machines, booted as EC2 boots them", { timeout: LIMIT_MS }, () => {
  test("a front that is earlier than its backends waits for them, and serves when it has generated", async (context) => {
    const { front, backends, services } = need(context);
    const frontProgram = front.start(["node.sh", names.front]);
    await front.reached(frontProgram, ({ step, text }) => step === "backends" && text === "0 of 2", STARTUP_SECONDS);
    const [first, second] = [names.first, names.second].map((name) => backends.start(["node.sh", name]));
    if (first === undefined || second === undefined) throw new Error("no backends were started");
    await backends.reached(first, isReady, STARTUP_SECONDS);
    await front.reached(frontProgram, isReady, STARTUP_SECONDS);
    cluster?.running.push(frontProgram, first, second);

    const told = await front.told();
    const steps = [...new Set(told.map((line) => line.split(" ").slice(0, 2).join(" ")))];
    // So small a model may be loaded between two looks.
    expect(steps.filter((step) => step !== "loading running")).toEqual([
      ...["booted running", "image running", "image done", "key done", "model running", "model done"],
      ...["backends running", "backends done", "serving ready"],
    ]);
    expect(told.join("\n")).toMatch(/model running \d+\.\d of 0\.1 GiB/);
    expect(told.join("\n")).toContain("backends done 2 of 2");
    expect((await backends.told()).at(-1)).toBe("serving ready 2 backends");
    for (const machine of [front, backends]) {
      const outside = (await services.history(machine.node.statusParameter)).map(parseStatus);
      expect(outside, "the parameter got what the console got").toEqual(await machine.statuses());
    }
  });

  test("it answers who has the key, and nobody else", async (context) => {
    const { endpoint } = need(context);
    const answered = await answer(endpoint, { authorization: `Bearer ${KEY}` });
    expect(answered.status).toBe(200);
    expect(((await answered.json()) as { content: string }).content).toContain("Paris");
    expect((await answer(endpoint, {})).status).toBe(401);
  });

  test("the key is in one file on the machine, which the container's user alone can read", async (context) => {
    const { front } = need(context);
    const file = join(front.root, "run/llama-rpc-cluster/secrets/api-key");
    expect((await readFile(file, "utf8")).trim()).toBe(KEY);
    const { mode, uid } = await stat(file);
    expect([(mode & 0o777).toString(8), uid]).toEqual(["400", 10_001]);
    expect(((await stat(join(front.root, "run/llama-rpc-cluster/api-header"))).mode & 0o777).toString(8)).toBe("600");
    const elsewhere = [
      ...[renderUserData(front.node), await front.read("/dev/console"), await docker(["inspect", names.front])],
      ...[await docker(["logs", names.front]), await docker(["top", names.front, "-eo", "pid,args"])],
    ];
    expect(elsewhere.filter((text) => text.includes(KEY))).toEqual([]);
  });

  test("the containers have nothing to work with", async (context) => {
    need(context);
    for (const name of Object.values(names)) {
      const [inspected] = JSON.parse(await docker(["inspect", name])) as [
        { HostConfig: Record<string, unknown>; Image: string; Config: { Image: string } },
      ];
      expect(inspected.HostConfig).toMatchObject({
        ...{ NetworkMode: "host", ReadonlyRootfs: true, CapDrop: ["ALL"], SecurityOpt: ["no-new-privileges"] },
        ...{ Privileged: false, RestartPolicy: { Name: "no" } },
      });
      expect(inspected.HostConfig["Memory"]).toBe(inspected.HostConfig["MemorySwap"]);
      expect(inspected.Config.Image).toMatch(/@sha256:[0-9a-f]{64}$/);
    }
  });

  test("a container, which shares the machine's network, does not reach EC2's metadata and so the machine's role", async (context) => {
    need(context);
    const { exitCode } = await execa("iptables", ["--wait", "--check", ...METADATA_RULE], { reject: false });
    expect(exitCode, "node.sh closes it before a container starts").toBe(0);
    const tried = ["bash", "-c", "exec 3<>/dev/tcp/169.254.169.254/80"];
    const { stderr } = await execa("docker", ["exec", names.first, ...tried], { reject: false });
    expect(stderr).toContain("Connection refused");
  });

  test("the program that stops idle machines sees who is used", async (context) => {
    const { front, backends, endpoint } = need(context);
    const table = await readFile("/proc/net/tcp", "utf8");
    const stopsAt = async (machine: BootedMachine, minute: number) => {
      await machine.write("/proc/uptime", `${minute * 60}.00 1.00\n`);
      await machine.write("/proc/net/tcp", table);
      expect(await machine.run(["stop.sh"], STARTUP_SECONDS)).toMatchObject({ exitCode: 0 });
      return (await machine.called()).includes("systemctl poweroff");
    };
    expect(await stopsAt(backends, 1)).toBe(false);
    expect(await stopsAt(backends, 1000), "a front is connected").toBe(false);
    expect(await stopsAt(front, 1)).toBe(false);
    await answer(endpoint, { authorization: `Bearer ${KEY}` });
    expect(await stopsAt(front, 1000), "it has answered since the last look").toBe(false);
    expect(await stopsAt(front, 1030), "it has answered nothing for 30 minutes").toBe(true);
  });

  test("a backend that dies is told by both machines, and both come back as systemd starts them again", async (context) => {
    const all = need(context);
    const { front, backends } = all;
    await docker(["kill", names.second]);
    const [frontProgram, first, second] = all.running;
    for (const program of [frontProgram, second]) expect((await program?.end)?.exitCode).toBe(1);
    const lost = (await backends.told()).at(-1);
    expect(lost).toBe(
      `serving failed ${names.second}: ${names.second} ended with status 137: ${lost?.split("137: ")[1]}`,
    );
    expect((await front.told()).at(-1)).toMatch(
      /^serving failed the backend at 127\.0\.0\.2:\d+ is gone; the front restarts and waits for it$/,
    );
    const before = (await front.statuses()).length;
    const again = [front.start(["node.sh", names.front]), backends.start(["node.sh", names.second])];
    for (const end = Date.now() + STARTUP_SECONDS * 1000; Date.now() < end; ) {
      if ((await front.statuses()).slice(before).some(isReady)) break;
      if (again.some(({ ended }) => ended !== undefined)) break;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const toldAgain = (await front.told()).slice(before);
    expect(toldAgain.at(-1)).toBe("serving ready answered a generation");
    expect(toldAgain[0]).toBe("booted running try 2");
    const fetched = toldAgain.filter((line) => /^(image|model) running/.test(line));
    expect(fetched, "what is there already is not fetched again").toEqual([]);
    expect((await backends.told()).at(-1)).toBe("serving ready 2 backends");
    all.running.splice(0, 3, ...[again[0], first, again[1]].filter((one) => one !== undefined));
  });

  test("a machine that is shut down stops its containers and leaves nothing of them", async (context) => {
    const { running } = need(context);
    for (const program of running) program.kill("SIGTERM");
    for (const program of running) expect((await program.end).exitCode).toBe(0);
    const left = await docker(["ps", "--all", "--filter", `name=boot-${id}`, "--format", "{{.Names}}"]);
    expect(left).toBe("");
  });
});
