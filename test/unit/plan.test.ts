import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configurationWith } from "../../bench/support/configurations.ts";
import { modelFacts, smallModelFacts } from "../../bench/support/models.ts";
import { isPrivate, networkOf } from "../../config/cidr.ts";
import { parseCluster } from "../../config/parse.ts";
import { remedyForArgument } from "../../config/rules/front-arguments.ts";
import { isStackName } from "../../config/stack.ts";
import { privateCidr } from "../../plan/hosts/addresses.ts";
import { assertRunnable, PlanRefused, planCluster } from "../../plan/index.ts";
import { startupSeconds } from "../../plan/resources/startup.ts";

const facts = smallModelFacts();
const planWith = (values: Readonly<Record<string, unknown>>, model = facts) =>
  planCluster(parseCluster(configurationWith(values)), model, { stack: "local" });

describe("the plan of two CPU backends on this machine", () => {
  const plan = planWith({ "model.contextTokens": 2048, "front.threads": 1, "backends[0].threads": 1 });

  test("puts every layer and the output on the backends, none on the front", () => {
    expect(plan.backends.map(({ name, device, layers, holdsOutput }) => [name, device, layers, holdsOutput])).toEqual([
      ["cpu-0", "RPC0", { first: 0, last: 18, count: 19 }, false],
      ["cpu-1", "RPC1", { first: 19, last: 29, count: 11 }, true],
    ]);
    expect(plan.front.layers).toBeNull();
    expect(plan.tensorSplit).toEqual([19, 12]);
    expect(plan.findings.map(({ code }) => code)).toEqual(["one-backend-is-enough", "memory-unused"]);
  });

  test("knows every address", () => {
    expect(plan.network.cidr).toBe("10.2.67.0/24");
    expect(plan.front.address).toBe("10.2.67.10");
    expect(plan.backends.map(({ address, port }) => `${address}:${port}`)).toEqual([
      "10.2.67.11:50052",
      "10.2.67.12:50052",
    ]);
  });

  test("starts llama-server with everything that was decided, and no secret", () => {
    expect(plan.front.environment).toEqual({
      APP_MODE: "server",
      APP_BIND: "0.0.0.0",
      APP_PORT: "8080",
      APP_MODEL: "/models/SmolLM2-135M-Instruct.Q4_1.gguf",
      APP_RPC_BACKENDS: "10.2.67.11:50052,10.2.67.12:50052",
      APP_GPU_LAYERS: "31",
      APP_THREADS: "1",
      APP_WAIT_SECONDS: "302",
      LLAMA_ARG_TENSOR_SPLIT: "19,12",
      LLAMA_ARG_SPLIT_MODE: "layer",
      LLAMA_ARG_CTX_SIZE: "2048",
      LLAMA_ARG_N_PARALLEL: "1",
      LLAMA_ARG_BATCH: "2048",
      LLAMA_ARG_UBATCH: "512",
      LLAMA_ARG_FLASH_ATTN: "auto",
      LLAMA_ARG_CACHE_TYPE_K: "f16",
      LLAMA_ARG_CACHE_TYPE_V: "f16",
      LLAMA_ARG_FIT: "off",
      LLAMA_ARG_CACHE_RAM: "0",
      LLAMA_ARG_ALIAS: "SmolLM2-135M-Instruct.Q4_1",
      LLAMA_ARG_API_KEY_FILE: "/run/secrets/api-key",
      LLAMA_ARG_ENDPOINT_METRICS: "1",
      LLAMA_ARG_LOG_VERBOSITY: "4",
    });
    expect(plan.front.arguments).toEqual([]);
  });

  test("starts ggml-rpc-server with the memory that it declares", () => {
    expect(plan.backends[0]?.environment).toEqual({
      APP_MODE: "backend",
      APP_BIND: "0.0.0.0",
      APP_PORT: "50052",
      APP_MEM: "1024",
      APP_THREADS: "1",
      APP_CACHE: "1",
    });
    expect(plan.backends[0]?.containerMemoryBytes).toBe(1024 ** 3);
  });

  test("needs each image once", () => {
    expect(plan.images).toEqual([
      { flavour: "cpu", role: "server", architecture: "amd64" },
      { flavour: "cpu", role: "backend", architecture: "amd64" },
    ]);
  });

  test("is plain data", () => {
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
    expect(assertRunnable(plan)).toBe(plan);
  });
});

describe("a plan", () => {
  test("is the same on every run, and another stack's network is another", () => {
    expect(planWith({})).toEqual(planWith({}));
    expect(privateCidr(null, "local")).not.toBe(privateCidr(null, "local-gpu"));
  });

  test("takes the alias, the embeddings and the arguments of the front as they are said", () => {
    const { environment, arguments: args } = planWith({
      "model.alias": "smollm2",
      "front.embeddings": true,
      "front.arguments": ["--temp", "0.7"],
    }).front;
    expect(environment).toMatchObject({
      LLAMA_ARG_ALIAS: "smollm2",
      LLAMA_ARG_EMBEDDINGS: "1",
      LLAMA_ARG_POOLING: "mean",
    });
    expect(args).toEqual(["--temp", "0.7"]);
  });

  test("hands GPUs to CUDA containers only, and one device of each to the plan", () => {
    const plan = planWith({
      "front.flavour": "cuda",
      backends: [
        { name: "gpu", flavour: "cuda", memory: "8 GiB", gpus: "1" },
        { name: "cpu", memory: "1 GiB" },
      ],
    });
    expect([plan.front, ...plan.backends].map(({ gpus }) => gpus)).toEqual(["all", "1", null]);
    expect(plan.backends.map(({ environment }) => environment["APP_DEVICE"])).toEqual(["CUDA0", undefined]);
    expect(plan.images).toEqual([
      { flavour: "cuda", role: "server", architecture: "amd64" },
      { flavour: "cuda", role: "backend", architecture: "amd64" },
      { flavour: "cpu", role: "backend", architecture: "amd64" },
    ]);
  });

  test("is for the architecture of the machine that runs it", () => {
    const config = parseCluster(configurationWith({}));
    const plan = planCluster(config, facts, { stack: "local", architecture: "arm64" });
    const all = [plan.front, ...plan.backends, ...plan.images].map(({ architecture }) => architecture);
    expect(new Set(all)).toEqual(new Set(["arm64"]));
  });

  test("gives layers by memory, in order and each exactly once, and everything fits, whatever fits at all", () => {
    const pools = fc.array(
      fc.record({ count: fc.integer({ min: 1, max: 3 }), mib: fc.integer({ min: 110, max: 4096 }) }),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    fc.assert(
      fc.property(pools, fc.integer({ min: 12, max: 80 }), (pools, layers) => {
        const backends = pools.map(({ count, mib }, index) => ({ name: `p${index}`, count, memory: `${mib} MiB` }));
        const plan = planWith({ backends, "model.contextTokens": 1024 }, modelFacts({ layers }));
        const ranges = [
          ...(plan.front.layers ? [plan.front.layers] : []),
          ...plan.backends.map((backend) => backend.layers),
        ];
        const placed = ranges.flatMap(({ first, last }) =>
          Array.from({ length: last - first + 1 }, (_, index) => first + index),
        );
        expect(placed).toEqual(Array.from({ length: layers }, (_, layer) => layer));
        const devices = [plan.front, ...plan.backends];
        const isOver = devices.some(({ memory }) => memory.totalBytes > memory.capacityBytes);
        expect(plan.findings.some(({ severity }) => severity === "error")).toBe(isOver);
        expect(plan.tensorSplit.reduce((sum, entries) => sum + entries, 0)).toBe(
          Number(plan.front.environment["APP_GPU_LAYERS"]),
        );
      }),
      { numRuns: 40 },
    );
  });

  test("that can't be carried out is refused with every error and its remedy", () => {
    const plan = planWith({ "backends[0].memory": "100 MiB", "front.memory": "128 MiB" });
    expect(() => assertRunnable(plan)).toThrow(PlanRefused);
    expect(() => assertRunnable(plan)).toThrow(
      /^The plan can't be carried out:\n {2}backends\[0\]\.memory: The model does not fit.*\n {4}Set backends\[0\]\.memory to at least .*\n {2}front\.memory: The front needs /,
    );
  });
});

describe("the private network", () => {
  test("of any stack is private, a whole /24, and none that others like to use", () => {
    const stackNames = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/).filter(isStackName);
    fc.assert(
      fc.property(stackNames, (stack) => {
        const cidr = privateCidr(null, stack);
        const network = networkOf(cidr);
        expect(network.prefix).toBe(24);
        expect(isPrivate(network)).toBe(true);
        expect(cidr).not.toMatch(/^10\.(0|1|42|43|88|9[6-9]|10\d|11[01]|12[89]|1[3-9]\d|2\d\d)\./);
      }),
    );
  });

  test("is the one that the stack file names", () => {
    const plan = planWith({ "access.privateCidr": "192.168.40.0/27" });
    expect(plan.front.address).toBe("192.168.40.10");
    expect(plan.backends[1]?.address).toBe("192.168.40.12");
  });
});

test("start-up may take 5 minutes and 20 seconds for each GiB, 6 hours at most", () => {
  expect(startupSeconds(0)).toBe(300);
  expect(startupSeconds(213 * 1024 ** 3)).toBe(300 + 213 * 20);
  expect(startupSeconds(1e15)).toBe(6 * 3600);
});

test("no argument of the front can undo what the plan puts into its environment", () => {
  const flags: Record<string, string> = {
    APP_MODEL: "--model",
    APP_BIND: "--host",
    APP_PORT: "--port",
    APP_RPC_BACKENDS: "--rpc",
    APP_GPU_LAYERS: "--gpu-layers",
    APP_THREADS: "--threads",
    LLAMA_ARG_BATCH: "--batch-size",
    LLAMA_ARG_UBATCH: "--ubatch-size",
    LLAMA_ARG_N_PARALLEL: "--parallel",
    LLAMA_ARG_ENDPOINT_METRICS: "--metrics",
    LLAMA_ARG_LOG_VERBOSITY: "--verbosity",
  };
  const withoutFlag = ["APP_MODE", "APP_WAIT_SECONDS"];
  const { environment } = planWith({ "front.embeddings": true }).front;
  const open = Object.keys(environment)
    .filter((name) => !withoutFlag.includes(name))
    .map((name) => flags[name] ?? `--${name.replace("LLAMA_ARG_", "").toLowerCase().replaceAll("_", "-")}`)
    .filter((flag) => remedyForArgument(flag) === null);
  expect(open, "add these to config/rules/front-arguments.ts: an argument beats the environment").toEqual([]);
});
