import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Container, createNetwork, hardened, removeEverything, sleep } from "./containers.ts";
import { BUILD_TIMEOUT_MS, buildImages, images, model, modelMissing } from "./images.ts";

const missing = modelMissing();

let network = "";
beforeAll(async () => {
  await buildImages();
  network = await createNetwork();
}, BUILD_TIMEOUT_MS);
afterAll(removeEverything);
beforeEach((context) => {
  if (missing) context.skip(missing);
});

const path = `/models/${model.file}`;

/** A backend of one thread, by the name that others in the network know it by. */
async function backend(name: string, env: Record<string, string> = {}, more: string[] = []): Promise<Container> {
  const options = ["--network", network, "--network-alias", name, ...hardened, ...more];
  const container = await Container.start({ image: images.backend, env: { APP_THREADS: "1", ...env }, options });
  await container.logged(/transport\s+: TCP/);
  return container;
}

/** A front with the test's model and small buffers. */
function front(env: Record<string, string>, args: string[] = [], more: string[] = []): Promise<Container> {
  const options = ["--network", network, "--volume", `${model.folder}:/models:ro`, ...hardened, ...more];
  const small = { LLAMA_ARG_CTX_SIZE: "512", LLAMA_ARG_N_PARALLEL: "1", APP_THREADS: "1", APP_MODEL: path };
  return Container.start({ image: images.server, env: { ...small, ...env }, args, options });
}

async function complete(container: Container, tokens: number): Promise<{ content: string; tokens_predicted: number }> {
  const response = await fetch(`http://${await container.address()}:8080/completion`, {
    method: "POST",
    body: JSON.stringify({ prompt: "The capital of France is", n_predict: tokens, temperature: 0, ignore_eos: true }),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as { content: string; tokens_predicted: number };
}

/** Waits until the front's own health check says so. */
async function healthy(container: Container, limitMs = 60_000): Promise<void> {
  for (const end = Date.now() + limitMs; ; await sleep(200)) {
    const check = await container.exec("/app/healthcheck.sh");
    if (check.exitCode === 0) return;
    if (Date.now() > end || !(await container.running())) {
      throw new Error(`The front is not healthy (${check.output}):\n${await container.logs()}`);
    }
  }
}

describe("a front with two backends", () => {
  test("waits for the one that is late, proves that both hold layers, and answers", async () => {
    const first = await backend("one");
    const serving = await front({ APP_RPC_BACKENDS: "one:50052,two:50052" });
    await serving.logged(/waiting for backends: 1 of 2 ready, .*two:50052: the name 'two' has no IPv4 address/);
    expect((await serving.exec("/app/healthcheck.sh")).output).toMatch(/does not run \(yet\)/);
    const second = await backend("two");
    await healthy(serving);
    const log = await serving.logs();
    expect(log).toMatch(/backends: 2 of 2 ready after \d+ s/);
    expect(log).toMatch(/backend one:50052 holds [\d.]+ MiB of the model/);
    expect(log).toMatch(/backend two:50052 holds [\d.]+ MiB of the model/);
    expect(log).toMatch(/offloaded 31\/31 layers to GPU/);

    const answer = await complete(serving, 8);
    expect(answer.content).toMatch(/Paris/);

    // Health checks while both programs are busy: neither is disturbed, no connection reaches the backend.
    const accepted = async () => (await first.logs()).match(/Accepted client connection/g)?.length ?? 0;
    const before = await accepted();
    const busy = complete(serving, 150);
    for (let i = 0; i < 5; i++) {
      expect((await first.exec("/app/healthcheck.sh")).exitCode).toBe(0);
      expect((await serving.exec("/app/healthcheck.sh")).exitCode).toBe(0);
    }
    expect((await busy).tokens_predicted).toBe(150);
    expect(await accepted()).toBe(before);

    const stopped = await serving.stop();
    expect(stopped.milliseconds).toBeLessThan(2000);
    expect(stopped.exitCode, stopped.output).toBe(0);
    // The backends serve the next front.
    const next = await front({ APP_RPC_BACKENDS: "one:50052,two:50052" });
    await healthy(next);
    void complete(next, 400).catch(() => undefined);
    await sleep(1000);
    const whileBusy = await next.stop();
    expect(whileBusy.milliseconds, "a stop in the middle of an answer").toBeLessThan(2000);
    for (const container of [first, second]) {
      expect(await container.running(), await container.logs()).toBe(true);
      await container.remove();
    }
  });

  test("refuses to serve when a split leaves one of them empty", async () => {
    const both = [await backend("three"), await backend("four")];
    const env = { APP_RPC_BACKENDS: "three:50052,four:50052", LLAMA_ARG_TENSOR_SPLIT: "1,0" };
    const ended = await (await front(env)).ended();
    expect(ended.output).toMatch(/refused: no part of the model is on four:50052; give each backend a share/);
    expect(ended.output).not.toMatch(/listening on http/);
    expect(ended.exitCode).toBe(1);
    for (const container of both) await container.remove();
  });

  test("ends with a failure when one of them dies in the middle of an answer", async () => {
    const both = [await backend("five"), await backend("six")];
    const serving = await front({ APP_RPC_BACKENDS: "five:50052,six:50052" });
    await healthy(serving);
    const answer = complete(serving, 400).catch(() => undefined);
    await sleep(500);
    await both[1]?.remove();
    const ended = await serving.ended();
    await answer;
    expect(ended.exitCode).not.toBe(0);
    expect(ended.output).toMatch(/llama-server was aborted: a backend went away/);
    await both[0]?.remove();
  });
});

describe("a front whose backends are not what it needs", () => {
  test("gives up after APP_WAIT_SECONDS with the names of those that are missing", async () => {
    const there = await backend("seven");
    const serving = await front({ APP_RPC_BACKENDS: "seven:50052,gone:50052", APP_WAIT_SECONDS: "2" });
    const ended = await serving.ended();
    expect(ended.output).toMatch(
      /refused: backends 1 of 2 ready after APP_WAIT_SECONDS=2: gone:50052: the name 'gone' has no IPv4 address/,
    );
    expect(ended.exitCode).toBe(1);
    await there.remove();
  });

  test("is told when something else listens at the backend's port", async () => {
    const other = await front({ APP_RPC_BACKENDS: "" });
    await healthy(other);
    const serving = await front({
      APP_RPC_BACKENDS: `${await other.address()}:8080`,
      APP_WAIT_SECONDS: "3",
    });
    const ended = await serving.ended();
    expect(ended.output).toMatch(/accepts connections but gives no device/);
    expect(ended.exitCode).toBe(1);
    await other.remove();
  });

  test("stops in under two seconds while it waits", async () => {
    const serving = await front({ APP_RPC_BACKENDS: "192.0.2.1:50052" });
    await serving.logged(/waiting for backends: 0 of 1 ready/);
    const ended = await serving.stop();
    expect(ended.milliseconds).toBeLessThan(2000);
    expect(ended.exitCode, ended.output).toBe(0);
  });

  test("is told by a backend whose APP_MEM is its container's limit, instead of the kernel killing that backend", async () => {
    const options = ["--memory", "160m", "--memory-swap", "160m"];
    const small = await backend("nine", { APP_MEM: "160" }, options);
    const ended = await (await front({ APP_RPC_BACKENDS: "nine:50052", LLAMA_ARG_CTX_SIZE: "2048" })).ended();
    expect(ended.exitCode, ended.output).not.toBe(0);
    expect(await small.inspect("{{.State.OOMKilled}} {{.State.Running}}"), await small.logs()).toBe("false true");
    await small.remove();
  });

  test("is never healthy, and stopped, when it answers without the proof", async () => {
    const there = await backend("ten");
    // What a later llama-server with other words in its log would be like.
    const strange = join(import.meta.dirname, "answers-without-proof.pl");
    const serving = await front({ APP_RPC_BACKENDS: "ten:50052" }, [], ["--volume", `${strange}:/app/llama-server:ro`]);
    await serving.logged(/backends: 1 of 1 ready/);
    const checks: number[] = [];
    while (await serving.running()) checks.push((await serving.exec("/app/healthcheck.sh")).exitCode);
    expect(checks.length, "it was asked meanwhile").toBeGreaterThan(0);
    expect(checks).not.toContain(0);
    const ended = await serving.ended();
    expect(ended.output).toMatch(/refused: llama-server answers, but its log does not show what lies on ten:50052; /);
    expect(ended.exitCode).toBe(1);
    await there.remove();
  });

  test("is told that a backend refuses more than its APP_MEM", async () => {
    const small = await backend("eight", { APP_MEM: "16" });
    const ended = await (await front({ APP_RPC_BACKENDS: "eight:50052" })).ended();
    expect(ended.exitCode, ended.output).not.toBe(0);
    expect(ended.output).not.toMatch(/listening on http/);
    await small.remove();
  });
});

describe("a plain server, APP_RPC_BACKENDS set to an empty text", () => {
  test("serves at once, with llama.cpp's own variables and container arguments", async () => {
    const env = { APP_RPC_BACKENDS: "", APP_REPEAT_PENALTY: "1.1", LLAMA_ARG_ALIAS: "from-environment" };
    const serving = await front(env, ["--alias", "a name with spaces; and $(more)"]);
    await healthy(serving);
    const args = (await serving.commandLine("llama-server")).slice(1);
    expect(args).toEqual([
      ...["--model", path, "--repeat-penalty", "1.1", "--gpu-layers", "99"],
      ...["--host", "0.0.0.0", "--port", "8080", "--threads", "1", "--alias", "a name with spaces; and $(more)"],
    ]);
    const models = await fetch(`http://${await serving.address()}:8080/v1/models`);
    expect(await models.text()).toContain("a name with spaces; and $(more)");
    expect((await complete(serving, 4)).tokens_predicted).toBe(4);
    const ended = await serving.stop();
    expect(ended.milliseconds).toBeLessThan(2000);
  });

  test("leaves what llama.cpp's variables say alone where no APP_ variable is set", async () => {
    const env = {
      ...{ APP_RPC_BACKENDS: "", APP_MODEL: "", APP_THREADS: "", LLAMA_ARG_MODEL: path, LLAMA_ARG_PORT: "9000" },
      ...{ LLAMA_ARG_N_GPU_LAYERS: "0", LLAMA_ARG_THREADS: "2", LLAMA_ARG_HOST: "0.0.0.0" },
    };
    const serving = await front(env);
    await healthy(serving);
    expect((await serving.commandLine("llama-server")).slice(1)).toEqual([]);
    expect((await fetch(`http://${await serving.address()}:9000/health`)).status).toBe(200);
    await serving.remove();
  });

  test("serves embeddings with APP_EMBEDDING", async () => {
    const serving = await front({ APP_RPC_BACKENDS: "", APP_EMBEDDING: "true" }, ["--pooling", "mean"]);
    await healthy(serving);
    const response = await fetch(`http://${await serving.address()}:8080/v1/embeddings`, {
      method: "POST",
      body: JSON.stringify({ input: "hello" }),
    });
    expect(response.status).toBe(200);
    await serving.remove();
  });

  test("gives embeddings of an input as long as the context, if the micro batch holds it", async () => {
    await backend("embedder");
    const sizes = { LLAMA_ARG_CTX_SIZE: "1024", LLAMA_ARG_BATCH: "1024" };
    const started = async (microBatch: string) => {
      const env = { ...sizes, LLAMA_ARG_UBATCH: microBatch, APP_EMBEDDING: "true", APP_RPC_BACKENDS: "embedder:50052" };
      const serving = await front(env, ["--pooling", "mean"]);
      await healthy(serving);
      return serving;
    };
    const embed = async (serving: Container, tokens: number) =>
      fetch(`http://${await serving.address()}:8080/v1/embeddings`, {
        method: "POST",
        body: JSON.stringify({ input: Array.from({ length: tokens }, (_, index) => 1000 + index) }),
      });
    const whole = await started("1024");
    const answer = await embed(whole, 1024);
    expect(answer.status).toBe(200);
    const { data } = (await answer.json()) as { data: { embedding: number[] }[] };
    expect(data[0]?.embedding).toHaveLength(576);
    await whole.remove();
    // llama.cpp's own default: the reason why the plan sets another one.
    const short = await started("512");
    const refused = await embed(short, 513);
    expect(refused.status).toBe(500);
    expect(await refused.text()).toContain("too large to process");
    await short.remove();
  });

  test("is healthy behind a prefix of its paths", async () => {
    const serving = await front({ APP_RPC_BACKENDS: "" }, ["--api-prefix", "/llama"]);
    await healthy(serving);
    expect((await serving.exec("/app/healthcheck.sh")).output).toMatch(/200 OK/);
    await serving.remove();
  });

  test("takes its API key from a file and still answers the health check", async () => {
    const env = { APP_RPC_BACKENDS: "", LLAMA_ARG_API_KEY_FILE: "/etc/hostname" };
    const serving = await front(env);
    await healthy(serving);
    const response = await fetch(`http://${await serving.address()}:8080/completion`, { method: "POST", body: "{}" });
    expect(response.status).toBe(401);
    await serving.remove();
  });

  test("passes on what llama-server says about a broken model, with its status", async () => {
    const args = ["-c", `head -c 100000 ${path} > /tmp/broken.gguf; exec /app/entrypoint.sh`];
    const env = { APP_RPC_BACKENDS: "", APP_MODEL: "/tmp/broken.gguf" };
    const ended = await (await front(env, ["bash", ...args])).ended();
    expect(ended.exitCode, ended.output).not.toBe(0);
    expect(ended.output).toMatch(/failed to load model|error loading model/);
  });
});
