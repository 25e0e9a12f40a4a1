import { execa } from "execa";
import type { Outputs } from "../cli/live/cluster.ts";
import { waitUntilReady } from "../cli/live/readiness.ts";
import { median, writeSection } from "./results.ts";

/** Tokens per answer, answers per round and rounds: enough for medians that differ by less than two runs do. */
const TOKENS = 128;
const ROUNDS = 9;
const NAME = "llama-rpc-cluster-bench";

/** A running cluster. */
export interface ClusterOutputs extends Outputs {
  stack: string;
}

/**
 * Compares the decode speed of the cluster with the same two programs with the same flags, started by hand on loopback
 * without the cluster's network, limits or hardening. Both run at the same time and are asked in turn, so other load on
 * the machine affects both equally.
 */
export async function benchDecode(root: string, cluster: ClusterOutputs): Promise<void> {
  const baseline = await startByHand(cluster);
  try {
    const speeds = { cluster: [] as number[], baseline: [] as number[] };
    await tokensPerSecond(cluster.endpoint, cluster.apiKey);
    await tokensPerSecond(baseline.endpoint, null);
    for (let round = 0; round < ROUNDS; round++) {
      speeds.cluster.push(await tokensPerSecond(cluster.endpoint, cluster.apiKey));
      speeds.baseline.push(await tokensPerSecond(baseline.endpoint, null));
      process.stdout.write(`\rdecode: round ${round + 1} of ${ROUNDS}`);
    }
    process.stdout.write("\n");
    const [ours, theirs] = [median(speeds.cluster), median(speeds.baseline)];
    const ratio = median(speeds.cluster.map((speed, round) => speed / (speeds.baseline[round] ?? Number.NaN)));
    const body = [
      `${cluster.plan.model.name} ${cluster.plan.model.quantization}, ${cluster.plan.backends.length} backends, ${TOKENS} tokens, ${ROUNDS} paired rounds, medians.`,
      "",
      "| | tokens/s |",
      "|---|---|",
      `| cluster (networks, limits, read-only, no capabilities) | ${ours.toFixed(1)} |`,
      `| the same programs by hand on loopback | ${theirs.toFixed(1)} |`,
      `| ratio (median of the rounds) | **${ratio.toFixed(3)}** |`,
    ].join("\n");
    console.log(body);
    writeSection(root, "Decode: cluster against loopback", "npm run bench", body);
  } finally {
    await baseline.stop();
  }
}

/**
 * Starts the programs without entry point, limits, hardening or a separate network. They run in a container only because
 * they need the C library that they were linked with.
 */
async function startByHand({ plan, stack }: ClusterOutputs): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const front = `llama-rpc-cluster-${stack}-front`;
  const serverImage = (await execa("docker", ["inspect", "--format", "{{.Image}}", front])).stdout;
  const names = [...plan.backends.map((backend) => `${NAME}-${backend.name}`), `${NAME}-front`];
  const stop = async () => {
    await execa("docker", ["rm", "--force", ...names], { reject: false });
  };
  await stop();
  const endpoints = plan.backends.map((_, index) => ({ host: "127.0.0.1", port: String(50_152 + index) }));
  const frontPort = "18180";
  const run = (name: string, program: string, options: string[], args: string[]) =>
    execa("docker", [
      ...["run", "--detach", "--network", "host", "--name", name, "--entrypoint", `/app/${program}`],
      ...options,
      serverImage,
      ...args,
    ]);
  try {
    for (const [index, { host, port }] of endpoints.entries()) {
      const backend = plan.backends[index];
      if (!backend) continue;
      const args = ["--host", host, "--port", port, "--threads", String(backend.threads), "--cache"];
      await run(`${NAME}-${backend.name}`, "ggml-rpc-server", [], args);
    }
    const llamaVariables = Object.entries(plan.front.environment).filter(
      ([name]) => name.startsWith("LLAMA_") && name !== "LLAMA_ARG_API_KEY_FILE",
    );
    const model = `/models/${plan.model.fileName}`;
    await run(
      `${NAME}-front`,
      "llama-server",
      [
        ...llamaVariables.flatMap(([name, value]) => ["--env", `${name}=${value}`]),
        ...["--volume", `${plan.model.file}:${model}:ro`],
      ],
      [
        ...["--model", model, "--host", "127.0.0.1", "--port", frontPort, "--threads", String(plan.front.threads)],
        ...["--gpu-layers", plan.front.environment["APP_GPU_LAYERS"] ?? "99"],
        ...["--rpc", endpoints.map(({ host, port }) => `${host}:${port}`).join(",")],
        ...plan.front.arguments,
      ],
    );
    const endpoint = `http://127.0.0.1:${frontPort}`;
    await ready(endpoint, plan.front.startupSeconds);
    return { endpoint, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ready(endpoint: string, seconds: number): Promise<void> {
  const late = await waitUntilReady({ endpoint, seconds, say: console.log }, new AbortController().signal);
  if (late === null) return;
  const logs = await execa("docker", ["logs", "--tail", "20", `${NAME}-front`], { all: true });
  throw new Error(`The front that was started by hand did not get ready (${late}). The end of its log:\n${logs.all}`);
}

/** Tokens per second of one answer as the server reports them, without prompt processing. */
async function tokensPerSecond(endpoint: string, key: string | null): Promise<number> {
  const response = await fetch(`${endpoint}/completion`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key === null ? {} : { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({
      prompt: "Once upon a time",
      n_predict: TOKENS,
      temperature: 0,
      ignore_eos: true,
      cache_prompt: false,
    }),
  });
  if (!response.ok) throw new Error(`${endpoint} answered ${response.status}: ${await response.text()}`);
  const body = (await response.json()) as { timings: { predicted_per_second: number } };
  return body.timings.predicted_per_second;
}
