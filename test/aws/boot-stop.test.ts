import { createServer, type Server } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { NodeBoot } from "../../components/aws/boot/node-boot.ts";
import { BootedMachine } from "./support/boot-machine.ts";
import { backendNode, frontNode } from "./support/boot-nodes.ts";

const LIMIT_SECONDS = 30;

let machine: BootedMachine | undefined;
afterEach(async () => {
  await machine?.remove();
  machine = undefined;
});

/** A machine whose AWS command line is a stand-in. */
async function boot(node: NodeBoot): Promise<BootedMachine> {
  machine = await BootedMachine.make(node, { aws: "/usr/bin/true", environment: {} });
  await machine.standIn("aws", "exit 0");
  return machine;
}

/** Runs the timer's program at a minute of the machine's life; returns whether it powers the machine off. */
async function stopsAt(machine: BootedMachine, minute: number): Promise<boolean> {
  await machine.write("/proc/uptime", `${minute * 60}.25 1.00\n`);
  const ended = await machine.run(["stop.sh"], LIMIT_SECONDS);
  expect(ended.exitCode, ended.output).toBe(0);
  return (await machine.called()).includes("systemctl poweroff");
}

/** The kernel's table with one line: a port of 10.0.0.20 in a state. */
function connections(port: number, state: "listening" | "established"): string {
  const local = `1400000A:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const [remote, code] = state === "established" ? ["1000000A:D431", "01"] : ["00000000:0000", "0A"];
  return `  sl  local_address rem_address   st\n   0: ${local} ${remote} ${code} 00000000:00000000\n`;
}

test("a machine stops after its hours, and says so first", async () => {
  const backend = await boot(backendNode({}, { stopAfterHours: 8 }));
  expect(await stopsAt(backend, 479)).toBe(false);
  expect(await stopsAt(backend, 480)).toBe(true);
  expect(await backend.told()).toEqual(["serving done stopped: up for 8 hours (limits.stopAfterHours)"]);
  const [told = ""] = (await backend.called()).filter((line) => line.startsWith("aws"));
  expect(told).toMatch(/^aws ssm put-parameter .*--name \/llama-rpc-cluster\/test\/status\/cpu-machine-1 /);
});

describe("a backend that stops when it is idle", () => {
  const node = backendNode({}, { stopAfterIdleMinutes: 30 });

  test("stays while a front is connected, and follows it", async () => {
    const backend = await boot(node);
    await backend.write("/proc/net/tcp", connections(50_052, "established"));
    expect(await stopsAt(backend, 10)).toBe(false);
    expect(await stopsAt(backend, 500)).toBe(false);
    await backend.write("/proc/net/tcp", connections(50_052, "listening"));
    expect(await stopsAt(backend, 529)).toBe(false);
    expect(await stopsAt(backend, 530)).toBe(true);
    expect(await backend.told()).toEqual([
      "serving done stopped: nobody has used it for 30 minutes (limits.stopAfterIdleMinutes)",
    ]);
  });

  test("waits two hours for its first front", async () => {
    const backend = await boot(node);
    await backend.write("/proc/net/tcp", connections(50_053, "established"));
    expect(await stopsAt(backend, 119)).toBe(false);
    expect(await stopsAt(backend, 120)).toBe(true);
  });
});

describe("a front that stops when it is idle", () => {
  let server: Server;
  let port = 0;
  let tokens = 0;
  let processing = 0;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const known = request.url === "/metrics" && request.headers.authorization === "Bearer secret";
      response.statusCode = known ? 200 : 401;
      response.end(`# HELP\nllamacpp:tokens_predicted_total ${tokens}\nllamacpp:requests_processing ${processing}\n`);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    port = address !== null && typeof address === "object" ? address.port : 0;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  async function front(environment: Record<string, string>): Promise<BootedMachine> {
    const booted = await boot(frontNode({ environment }, { stopAfterIdleMinutes: 30 }));
    await booted.write("/run/llama-rpc-cluster/api-header", "Authorization: Bearer secret\n");
    return booted;
  }

  test("stays while tokens come, or one request lasts", async () => {
    const booted = await front({ APP_PORT: String(port) });
    tokens = 5;
    expect(await stopsAt(booted, 100)).toBe(false);
    tokens = 9;
    expect(await stopsAt(booted, 129)).toBe(false);
    expect(await stopsAt(booted, 158)).toBe(false);
    processing = 1;
    expect(await stopsAt(booted, 180)).toBe(false);
    expect(await stopsAt(booted, 209)).toBe(false);
    processing = 0;
    expect(await stopsAt(booted, 238)).toBe(false);
    expect(await stopsAt(booted, 267)).toBe(false);
    expect(await stopsAt(booted, 268)).toBe(true);
  });

  test("that never answers is not used: it stops when its time to start and its idle time are over", async () => {
    const booted = await front({ APP_PORT: "1" });
    // 300 s to start.
    expect(await stopsAt(booted, 4)).toBe(false);
    expect(await stopsAt(booted, 33)).toBe(false);
    expect(await stopsAt(booted, 34)).toBe(true);
  });
});
