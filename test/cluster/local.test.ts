import { existsSync } from "node:fs";
import type { OutputMap } from "@pulumi/pulumi/automation/index.js";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pieceOf } from "../../cli/live/chat.ts";
import { planIn } from "../../cli/live/plan-output.ts";
import { type EngineStack, engineStack, freePort, leftovers } from "../support/engine-stack.ts";
import { FrontClient, until } from "../support/front-client.ts";

const STACK = "test-local";
const container = (name: string) => `llama-rpc-cluster-${STACK}-${name}`;

describe("a cluster of two backends on this machine's Docker engine", () => {
  let cluster: EngineStack;
  let outputs: OutputMap;
  let front: FrontClient;

  beforeAll(async () => {
    cluster = await engineStack(STACK, "local");
    cluster.configure("front", { memory: "1 GiB", threads: 1, hostPort: await freePort() });
    outputs = (await cluster.stack.up()).outputs;
    front = new FrontClient(String(outputs["endpoint"]?.value), String(outputs["apiKey"]?.value));
  });

  afterAll(async () => {
    await cluster.stack.destroy();
    await cluster.dispose();
  });

  test("has the outputs that scripts rely on, with the key as a secret", () => {
    expect(Object.keys(outputs).sort()).toEqual(["apiKey", "connect", "endpoint", "hourlyUsd", "plan"]);
    expect(outputs["apiKey"]?.secret).toBe(true);
    expect(outputs["endpoint"]?.value).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(outputs["connect"]?.value).toBe("");
    expect(outputs["hourlyUsd"]?.value).toBe(0);
  });

  test("answers a question", async () => {
    expect(await front.chat("What is the capital of France? Answer in one word.")).toMatch(/Paris/);
  });

  test("streams an answer as it is made, and says when it is complete", async () => {
    const arrivals = await front.stream("Count from one to five.");
    const withContent = arrivals.filter((events) => events.some((data) => pieceOf(data) !== ""));
    expect(withContent.length).toBeGreaterThan(3);
    expect(arrivals.flat().at(-1)).toBe("[DONE]");
  });

  test("answers nobody without the key", async () => {
    const body = { messages: [{ role: "user", content: "hello" }], max_tokens: 1 };
    expect((await front.post("/v1/chat/completions", body, null)).status).toBe(401);
    expect((await front.post("/v1/chat/completions", body, "wrong")).status).toBe(401);
  });

  test("holds every layer on the two backends and none on the front's own CPU", async () => {
    const { all } = await execa("docker", ["logs", container("front")], { all: true });
    expect(all).toMatch(/offloaded 31\/31 layers to GPU/);
    const buffers = [...all.matchAll(/(RPC\d+)\[([\d.]+):50052\] model buffer size\s*=\s*([\d.]+) MiB/g)];
    expect(new Set(buffers.map((match) => match[2])).size).toBe(2);
    for (const buffer of buffers) expect(Number(buffer[3])).toBeGreaterThan(0);
    expect(all).not.toMatch(/layer\s+\d+ assigned to device CPU/);
    expect(all).not.toMatch(/CPU KV buffer size/);
  });

  test("shows the key in no environment, command line, log or plain state", async () => {
    const key = String(outputs["apiKey"]?.value);
    const inspected = await execa("docker", ["inspect", container("front"), container("cpu-0"), container("key")]);
    const logs = await execa("docker", ["logs", container("front")], { all: true });
    const state = cluster.stateOnDisk();
    expect(state).toContain(container("front"));
    for (const text of [inspected.stdout, logs.all, state]) expect(text.includes(key)).toBe(false);
  });

  test("publishes the front on the loopback address and the backends nowhere", async () => {
    const ports = await execa("docker", [
      "ps",
      "--filter",
      `label=llama-rpc-cluster/stack=${STACK}`,
      "--format",
      "{{.Names}} {{.Ports}}",
    ]);
    for (const line of ports.stdout.split("\n")) {
      if (line.startsWith(container("front"))) expect(line).toMatch(/127\.0\.0\.1:\d+->8080\/tcp/);
      else expect(line).not.toContain("->");
    }
  });

  test("puts a backend on one network, which the engine keeps from every other", async () => {
    const template = "{{json .NetworkSettings.Networks}}";
    const { stdout } = await execa("docker", ["inspect", "--format", template, container("cpu-0")]);
    const networks = Object.keys(JSON.parse(stdout) as Record<string, unknown>);
    expect(networks).toEqual([`llama-rpc-cluster-${STACK}-rpc`]);
    const internal = await execa("docker", ["network", "inspect", "--format", "{{.Internal}}", ...networks]);
    expect(internal.stdout).toBe("true");
  });

  test("changes nothing at the second preview", async () => {
    const preview = await cluster.stack.preview({ expectNoChanges: true });
    expect(preview.changeSummary).toEqual({ same: expect.any(Number) });
  });

  test("replaces the front alone when one of its values changes, and then serves embeddings", async () => {
    const port = Number(new URL(String(outputs["endpoint"]?.value)).port);
    cluster.configure("front", { memory: "1 GiB", threads: 1, hostPort: port, embeddings: true });
    // The logits of every token of a slot's context must fit the backends.
    cluster.configure("model", { source: ".models/SmolLM2-135M-Instruct.Q4_1.gguf", contextTokens: 1024 });
    const touched = new Set<string>();
    await cluster.stack.up({
      onEvent: (event) => {
        const step = event.resourcePreEvent?.metadata;
        // Components and the stack hold inputs and outputs; nothing of the engine is theirs.
        if (!step || step.op === "same" || /^(llama-rpc-cluster|pulumi:pulumi):/.test(step.type)) return;
        touched.add(step.urn.split("::").at(-1) ?? "");
      },
    });
    expect([...touched]).toEqual(["cluster-front"]);
    const asLongAsTheContext = Array.from({ length: 1024 }, (_, index) => 1000 + index);
    for (const input of ["a llama on a mountain", asLongAsTheContext]) {
      const response = await front.post("/v1/embeddings", { input });
      expect(response.status).toBe(200);
      const body = (await response.json()) as { data: { embedding: number[] }[] };
      expect(body.data[0]?.embedding.length).toBe(576);
    }
    expect(await front.chat("What is the capital of France? Answer in one word.")).toMatch(/Paris/);
  });

  test("replaces the front with a backend that has to be replaced, and waits until it answers", async () => {
    const pool = { name: "cpu", count: 2, memory: "512 MiB" };
    cluster.configure("backends", [{ ...pool, threads: 2 }]);
    await cluster.stack.up();
    expect(await front.health(), "`up` must not end before the front is ready again").toBe(200);
    expect(await front.chat("What is the capital of France? Answer in one word.")).toMatch(/Paris/);
  });

  test("comes back by itself when a backend's server is killed", async () => {
    const before = await startedAt(container("cpu-1"));
    // From inside: a `docker kill` counts as the operator's wish, and the engine would leave the container stopped.
    const killAll =
      "for p in /proc/[0-9]*; do [[ $(readlink $p/exe) == */ggml-rpc-server ]] && kill -9 $(basename $p); done; true";
    await execa("docker", ["exec", container("cpu-1"), "bash", "-c", killAll], { reject: false });
    await until(
      "the backend's container was not started again",
      30,
      async () => (await startedAt(container("cpu-1"))) !== before,
    );
    await until("the front did not answer again: see `docker logs` of the front", 120, async () => {
      if ((await front.health()) !== 200) return false;
      return front.chat("What is the capital of France? Answer in one word.").then(
        (answer) => /Paris/.test(answer),
        () => false,
      );
    });
  });

  test("leaves nothing of itself when it is destroyed, and the model where it was", async () => {
    const { file } = planIn(outputs["plan"]?.value).model;
    expect(await leftovers(STACK)).not.toEqual([]);
    await cluster.stack.destroy();
    expect(await leftovers(STACK)).toEqual([]);
    expect(file !== null && existsSync(file)).toBe(true);
  });
});

async function startedAt(name: string): Promise<string> {
  return (await execa("docker", ["inspect", "--format", "{{.State.StartedAt}}", name])).stdout;
}
