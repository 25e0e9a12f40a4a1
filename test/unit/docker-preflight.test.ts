import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { createServer, type Server } from "node:net";
import { hostname, release, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { configurationWith } from "../../bench/support/configurations.ts";
import { modelFile, smallModelFacts } from "../../bench/support/models.ts";
import { parseCluster } from "../../config/parse.ts";
import { engineAddress } from "../../docker/address.ts";
import { preflight } from "../../docker/preflight.ts";
import { planCluster } from "../../plan/index.ts";
import { freePort } from "../support/engine-stack.ts";

const STACK = "local";
const folder = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-engine-"));
const socket = join(folder, "docker.sock");
afterAll(() => rmSync(folder, { recursive: true }));

/** What a machine like this one answers to `/info`. */
const info = {
  Name: hostname(),
  OSType: "linux",
  KernelVersion: release(),
  MemTotal: 1024 ** 4,
  DockerRootDir: folder,
  Runtimes: { runc: {} },
};

/** Answers by path, as Docker's engine gives them; a test changes what it is about. */
let answers: Record<string, unknown>;
let paths: string[];
let engine: http.Server;

beforeEach(async () => {
  answers = { "/info": info, "/containers/json": [], "/networks": [], "/images/json": [] };
  paths = [];
  engine = http.createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://engine");
    paths.push(pathname);
    const answer = answers[pathname];
    if (answer === undefined) response.writeHead(500).end("broken");
    // null: an engine that hangs.
    else if (answer !== null) response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => engine.listen(socket, resolve));
  vi.stubEnv("DOCKER_HOST", `unix://${socket}`);
  vi.stubEnv("DOCKER_CONTEXT", "");
});

afterEach(async () => {
  vi.unstubAllEnvs();
  engine.closeAllConnections();
  await new Promise((resolve) => engine.close(resolve));
});

async function planWith(values: Readonly<Record<string, unknown>> = {}, file: string | null = null) {
  const config = parseCluster(configurationWith({ "front.hostPort": await freePort(), ...values }));
  return planCluster(config, { ...smallModelFacts(), file }, { stack: STACK });
}

async function codesOf(plan: Awaited<ReturnType<typeof planWith>>) {
  const checked = await preflight(plan, STACK, { references: {}, provider: {} });
  expect(checked.note).toBeNull();
  const added = checked.plan.findings.filter((finding) => !plan.findings.includes(finding));
  // How much memory and disk this machine has free is not what these tests are about.
  return added.map(({ code }) => code).filter((code) => code !== "memory-short" && code !== "disk-short");
}

const labelled = (stack: string) => ({ "llama-rpc-cluster/stack": stack, "llama-rpc-cluster/role": "front" });

describe("the machine is asked through the engine's socket", () => {
  test("and nothing is said of a machine on which everything is well", async () => {
    expect(await codesOf(await planWith())).toEqual([]);
    expect(paths.sort()).toEqual(["/containers/json", "/images/json", "/info", "/networks"]);
  });

  test("for networks, of which the stack's own, a swarm's and those without Docker's addresses are left out", async () => {
    const plan = await planWith();
    const ipam = { Driver: "default", Config: [{ Subnet: plan.network.cidr }] };
    const network = { Name: "other", Scope: "local", Labels: labelled("other"), IPAM: ipam };
    answers["/networks"] = [network];
    expect(await codesOf(plan)).toEqual(["network-overlaps"]);
    answers["/networks"] = [
      { ...network, Labels: labelled(STACK) },
      { ...network, Scope: "swarm" },
      { ...network, IPAM: { ...ipam, Driver: "null" } },
      { ...network, Labels: null, IPAM: { Driver: "default", Config: null } },
    ];
    expect(await codesOf(plan)).toEqual([]);
  });

  test("for the containers that publish ports, of which the stack's own are left out", async () => {
    const plan = await planWith();
    const port = { IP: "0.0.0.0", PrivatePort: 80, PublicPort: plan.front.hostPort, Type: "tcp" };
    const container = { Names: ["/web"], Labels: {}, Ports: [{ PrivatePort: 80, Type: "tcp" }, port] };
    answers["/containers/json"] = [container];
    expect(await codesOf(plan)).toEqual(["port-taken"]);
    answers["/containers/json"] = [{ ...container, Ports: [{ ...port, Type: "udp" }] }];
    expect(await codesOf(plan)).toEqual([]);
    answers["/containers/json"] = [{ ...container, Labels: labelled(STACK) }];
    expect(await whileTaken(plan.front.hostPort, () => codesOf(plan))).toEqual([]);
  });

  test("for a port that a program has, and the remedy is one that is free", async () => {
    const plan = await planWith();
    const { hostPort } = plan.front;
    const checked = await whileTaken(hostPort, () => preflight(plan, STACK, { references: {}, provider: {} }));
    const finding = checked.plan.findings.find(({ code }) => code === "port-taken");
    expect(finding?.message).toBe(`Port ${hostPort} of 127.0.0.1 is taken by another program of this machine.`);
    expect(Number(finding?.remedy.change?.set[0]?.value)).toBeGreaterThan(hostPort);
  });

  test("for the permissions of the model, unless the engine shifts user ids", async () => {
    const file = join(folder, "model.gguf");
    writeFileSync(file, modelFile({ layers: 2 }));
    const plan = await planWith({}, file);
    chmodSync(file, 0o600);
    expect(await codesOf(plan)).toEqual(["model-unreadable"]);
    answers["/info"] = { ...info, SecurityOptions: ["name=seccomp,profile=default", "name=rootless"] };
    expect(await codesOf(plan)).toEqual([]);
    answers["/info"] = info;
    chmodSync(file, 0o644);
    expect(await codesOf(plan)).toEqual([]);
  });

  test("for a runtime of NVIDIA's, which is enough to hand out GPUs", async () => {
    const plan = await planWith({ "backends[0].flavour": "cuda", "backends[0].gpus": "all", "backends[0].count": 1 });
    answers["/info"] = { ...info, Runtimes: { nvidia: {} }, KernelVersion: "another machine's" };
    expect(await codesOf(plan)).toEqual([]);
  });

  test("and an engine on another machine says nothing of this one's ports and files", async () => {
    const file = join(folder, "unreadable.gguf");
    const plan = await planWith({}, file);
    for (const other of [
      { Name: "docker-desktop" },
      { KernelVersion: "6.1.0" },
      { DockerRootDir: join(folder, "none") },
    ]) {
      answers["/info"] = { ...info, ...other };
      expect(await whileTaken(plan.front.hostPort, () => codesOf(plan))).toEqual([]);
    }
  });
});

describe("an engine that can't be asked leaves the plan as it is, with one note", () => {
  const noteOf = async (timeoutSeconds = 2, provider = {}) => {
    const plan = await planWith();
    const checked = await preflight(plan, STACK, { references: {}, provider, timeoutSeconds });
    expect(checked.plan).toBe(plan);
    return checked.note;
  };

  test("because it is not there", async () => {
    vi.stubEnv("DOCKER_HOST", `unix://${join(folder, "none.sock")}`);
    expect(await noteOf()).toMatch(
      /were not looked at: the Docker engine at unix:\S+none\.sock gave no answer \(.*ENOENT/,
    );
  });

  test("because it hangs", async () => {
    answers["/networks"] = null;
    const begin = performance.now();
    expect(await noteOf(0.3)).toMatch(/gave no answer \(.*(timeout|aborted)/);
    expect(performance.now() - begin).toBeLessThan(2000);
  });

  test("because it answers something else than Docker does", async () => {
    answers["/info"] = { message: "hello" };
    expect(await noteOf()).toMatch(/\/info: not an answer of Docker/);
    delete answers["/info"];
    expect(await noteOf()).toMatch(/\/info: status 500: broken/);
  });

  test("because it is reached over SSH, or through a context", async () => {
    expect(await noteOf(2, { host: "ssh://me@there" })).toMatch(/the Docker engine at ssh:\/\/me@there is not one/);
    expect(await noteOf(2, { context: "desktop-linux" })).toMatch(
      /the Docker engine of the Docker context desktop-linux/,
    );
    expect(paths).toEqual([]);
  });
});

test("the engine that is asked is the one that the docker provider takes: context, then configuration, then DOCKER_HOST", () => {
  vi.stubEnv("DOCKER_HOST", "tcp://10.0.0.2");
  expect(engineAddress({}).address).toEqual({ host: "10.0.0.2", port: 2375 });
  expect(engineAddress({ host: "unix:///run/user/1000/docker.sock" }).address).toEqual({
    socketPath: "/run/user/1000/docker.sock",
  });
  expect(engineAddress({ context: "default" }).address).toEqual({ host: "10.0.0.2", port: 2375 });
  vi.stubEnv("DOCKER_CONTEXT", "there");
  expect(engineAddress({ host: "unix:///run/docker.sock" }).address).toBeNull();
  vi.stubEnv("DOCKER_CONTEXT", "");
  vi.stubEnv("DOCKER_HOST", "");
  expect(engineAddress({}).address).toEqual({ socketPath: "/var/run/docker.sock" });
});

/** Runs while a program of this machine listens on a port. */
async function whileTaken<T>(port: number, work: () => Promise<T>): Promise<T> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  try {
    return await work();
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
