/**
 * Compares predicted and measured decode times over real network namespaces with added delay, to calibrate `plan/speed/`.
 * Needs root, Docker (for the image's programs) and the demonstration model. Run it as `chrt --rr 1 node bench/netem.ts
 * [image]`, because otherwise other load on the machine changes the result.
 */

import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { CALL_SECONDS, ROUND_TRIPS_PER_TOKEN } from "../plan/speed/rates.ts";
import { delayInKernel, makeNetwork, type TestNetwork } from "./namespaces.ts";
import { writeSection } from "./results.ts";

const MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf";
const DELAYS_MS = [0, 1, 2, 5, 10];
const MOST_BACKENDS = 3;
const TOKENS = 32;
const ROUNDS = 9;
const RPC_PORT = 50_052;

interface Cell {
  backends: number;
  delayMs: number;
  millisecondsPerToken: number;
}

async function main(root: string, image: string): Promise<void> {
  const programs = await unpack(root, image);
  const network = await makeNetwork(MOST_BACKENDS);
  try {
    const inKernel = await delayInKernel(network, 0);
    const cells: Cell[] = [];
    for (let backends = 0; backends <= MOST_BACKENDS; backends++) {
      for (const delayMs of backends === 0 ? [0] : DELAYS_MS) {
        const millisecondsPerToken = await measure(programs, network, { backends, delayMs, inKernel });
        cells.push({ backends, delayMs, millisecondsPerToken });
        console.log(cells.at(-1));
      }
    }
    const body = report(cells, inKernel);
    console.log(body);
    writeSection(
      root,
      "Decode over a slow network: predicted against measured",
      "chrt --rr 1 node bench/netem.ts",
      body,
    );
  } finally {
    await network.remove();
    await rm(programs, { recursive: true, force: true });
  }
}

/** Unpacks the image's files into a folder and adds the model, so that the measurement runs the image's programs. */
async function unpack(root: string, image: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "llama-rpc-bench-"));
  const { stdout: container } = await execa("docker", ["create", image]);
  try {
    await execa("sh", ["-c", 'docker export "$1" | tar -x -C "$2"', "sh", container, folder]);
  } finally {
    await execa("docker", ["rm", container]);
  }
  await copyFile(join(root, ".models", MODEL), join(folder, "tmp", MODEL));
  for (const [name, minor] of Object.entries({ null: "3", urandom: "9" })) {
    await execa("mknod", ["-m", "666", join(folder, "dev", name), "c", "1", minor], { reject: false });
  }
  return folder;
}

type Setting = Omit<Cell, "millisecondsPerToken"> & { inKernel: boolean };

/** The shortest time per token of one setting by the front's clock: other load on the machine only adds time. */
async function measure(programs: string, network: TestNetwork, setting: Setting): Promise<number> {
  const ends: (() => Promise<unknown>)[] = [];
  const start = (namespace: string, command: string, args: string[]) => {
    const process = execa("ip", ["netns", "exec", namespace, command, ...args], { reject: false });
    ends.push(() => {
      process.kill("SIGKILL");
      return process;
    });
    return process;
  };
  // The programs look for their libraries next to themselves through /proc. The mount is visible only in this namespace.
  const enter = 'mount -t proc proc "$0/proc" && exec chroot "$0" /usr/bin/env LD_LIBRARY_PATH=/app "$@"';
  const inside = (namespace: string, args: string[]) => start(namespace, "sh", ["-c", enter, programs, ...args]);
  const used = Array.from({ length: setting.backends }, (_, index) => index);
  try {
    for (const index of used) {
      const { backend } = network.backendLink(index);
      inside(network.backends[index] ?? "", ["/app/ggml-rpc-server", "-H", backend, "-p", `${RPC_PORT}`, "-t", "1"]);
    }
    const delayed = setting.inKernel || setting.delayMs === 0;
    if (setting.inKernel) await delayInKernel(network, setting.delayMs);
    const { relay } = network.frontLink(0);
    const links = used.map((index) => `${relay}:${RPC_PORT + index}=${network.backendLink(index).backend}:${RPC_PORT}`);
    if (!delayed) {
      start(network.relay, process.execPath, [
        join(import.meta.dirname, "delay-relay.ts"),
        `${setting.delayMs}`,
        ...links,
      ]);
    }
    await pause(1500);
    const endpoints = used.map((index) =>
      delayed ? `${network.backendLink(index).backend}:${RPC_PORT}` : `${relay}:${RPC_PORT + index}`,
    );
    // RPC devices use weights as they are in the file; a front without backends would repack them for faster kernels.
    const alone = ["--no-repack"];
    const rpc = endpoints.length === 0 ? alone : ["--rpc", endpoints.join(","), "-ts", used.map(() => 1).join(",")];
    const common = ["-m", `/tmp/${MODEL}`, "-c", "2048", "-np", "1", "-t", "1", "--cache-ram", "0", "--fit", "off"];
    const listen = ["--host", "127.0.0.1", "--port", "8080", "-ngl", "99"];
    const server = inside(network.front, ["/app/llama-server", ...common, ...listen, ...rpc]);
    const ended = server.then(({ stderr }) => {
      throw new Error(`llama-server ended before it was ready. The end of its log:
${stderr.slice(-1500)}`);
    });
    ended.catch(() => undefined);
    await Promise.race([untilReady(network.front), ended]);
    await ask(network.front);
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) times.push(await ask(network.front));
    return Math.min(...times);
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

async function curl(namespace: string, args: string[]): Promise<string> {
  const asked = ["netns", "exec", namespace, "curl", "--silent", "--fail", ...args];
  return (await execa("ip", asked)).stdout;
}

async function untilReady(front: string): Promise<void> {
  for (let second = 0; second < 180; second++) {
    const ready = await curl(front, ["http://127.0.0.1:8080/health"]).catch(() => null);
    if (ready !== null) return;
    await pause(1000);
  }
  throw new Error("llama-server did not get ready within 3 minutes: start it by hand to see what it says.");
}

/** Milliseconds per token of one answer. */
async function ask(front: string): Promise<number> {
  const request = {
    prompt: "Once upon a time",
    n_predict: TOKENS,
    temperature: 0,
    ignore_eos: true,
    cache_prompt: false,
  };
  const answer = await curl(front, ["http://127.0.0.1:8080/completion", "--data", JSON.stringify(request)]);
  return (JSON.parse(answer) as { timings: { predicted_per_token_ms: number } }).timings.predicted_per_token_ms;
}

/** The table. The constants of `plan/speed/` predict every setting from one measured time: that without backends. */
function report(cells: readonly Cell[], inKernel: boolean): string {
  const local = cells.find(({ backends }) => backends === 0)?.millisecondsPerToken ?? Number.NaN;
  const rows = cells.map(({ backends, delayMs, millisecondsPerToken }) => {
    const predicted = local + backends * (1000 * CALL_SECONDS + ROUND_TRIPS_PER_TOKEN * 2 * delayMs);
    const off = backends === 0 ? "given" : `${((predicted / millisecondsPerToken - 1) * 100).toFixed(1)} %`;
    return `| ${backends} | ${delayMs} | ${predicted.toFixed(1)} | ${millisecondsPerToken.toFixed(1)} | ${off} |`;
  });
  const how = inKernel
    ? "Delay by `tc netem` on both ends of the front's link."
    : "This kernel has no `netem` (`tc` says: specified qdisc kind is unknown): the delay is that of `bench/delay-relay.ts`, which hands every byte on late, in a namespace between front and backends.";
  return [
    `${MODEL}, ${TOKENS} tokens, ${ROUNDS} rounds, the fastest; one thread each. ${how} A delay of 1 ms is 1 ms each way.`,
    `Predicted: the time without backends (and without repacked weights, which RPC devices don't have), and for each backend and token ${1000 * CALL_SECONDS} ms and ${ROUND_TRIPS_PER_TOKEN} round trip. The first is fitted to runs of this script.`,
    "",
    "| backends | delay ms | predicted ms/token | measured ms/token | off by |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

await main(process.cwd(), process.argv[2] ?? "llama-rpc-cluster-test/cpu-server:latest");
