import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configurationWith } from "../../bench/support/configurations.ts";
import { modelFacts, smallModelFacts } from "../../bench/support/models.ts";
import { parseCluster } from "../../config/parse.ts";
import { resolve } from "../../plan/hosts/resolve.ts";
import { memoryModel } from "../../plan/memory/devices.ts";
import { cacheCells, kvCacheLayerBytes } from "../../plan/memory/kv-cache.ts";
import { type RunSettings, runSettings } from "../../plan/memory/settings.ts";
import { frontFlags } from "../../plan/resources/flags.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const settingsWith = (values: Readonly<Record<string, unknown>>) =>
  runSettings(parseCluster(configurationWith(values)));
const measured = settingsWith({ "model.contextTokens": 2048 });

function environmentOf(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const decision = { modelFileName: "m.gguf", rpcBackends: [], tensorSplit: [], offloadedLayers: 0 };
  return frontFlags(resolve(parseCluster(configurationWith(values))), { ...decision, startupSeconds: 300 }).environment;
}

/** As llama.cpp's log writes it: MiB with two digits. */
const logged = (bytes: number) => (bytes / MIB).toFixed(2);

/** What the real programs at the pinned commit logged for SmolLM2 Q4_1 over two backends: the first, the second, the front. */
interface Measurement {
  name: string;
  values: Readonly<Record<string, unknown>>;
  /** What the stack file can't say. */
  batch?: Pick<RunSettings, "batchTokens" | "microBatchTokens">;
  /** Layers of the front, the first and the second backend. */
  layers: readonly [front: number, first: number, second: number];
  weights: readonly string[];
  cache: readonly string[];
  /** MiB. */
  compute: readonly number[];
}

const WHOLE = ["33.82", "58.28", "28.69"];
const MEASURED: readonly Measurement[] = [
  {
    name: "split 1,1",
    values: {},
    layers: [0, 16, 14],
    weights: WHOLE,
    cache: ["24.00", "21.00", "0.00"],
    compute: [24.91, 24.91, 13.67],
  },
  {
    name: "the planned split",
    values: {},
    layers: [0, 19, 11],
    weights: ["40.16", "51.94", "28.69"],
    cache: ["28.50", "16.50", "0.00"],
    compute: [24.91, 24.91, 13.67],
  },
  {
    name: "embeddings",
    values: { "front.embeddings": true },
    batch: { batchTokens: 512, microBatchTokens: 512 },
    layers: [0, 19, 11],
    weights: ["40.16", "51.94", "28.69"],
    cache: ["28.50", "16.50", "0.00"],
    compute: [24.91, 110.81, 13.69],
  },
  {
    name: "three slots of 5000 tokens in all and a small micro batch",
    values: { "model.contextTokens": 5000, "model.parallelSlots": 3, "model.microBatchTokens": 256 },
    layers: [0, 16, 14],
    weights: WHOLE,
    cache: ["63.00", "55.13", "0.00"],
    compute: [12.05, 12.05, 6.39],
  },
  {
    name: "a cache in q8_0",
    values: { "model.contextTokens": 4096, "model.kvCacheType": "q8_0" },
    layers: [0, 16, 14],
    weights: WHOLE,
    cache: ["25.50", "22.31", "0.00"],
    compute: [31.91, 31.91, 21.8],
  },
  {
    name: "no flash attention",
    values: { "model.flashAttention": "off" },
    layers: [0, 16, 14],
    weights: WHOLE,
    cache: ["24.00", "21.00", "0.00"],
    compute: [64.02, 64.02, 24.66],
  },
  {
    // The log says 92.10 for the front: the part of the file that is mapped, other layers' tensors between its own included.
    name: "20 layers on the front",
    values: {},
    layers: [20, 3, 7],
    weights: ["6.34", "43.49", "70.96"],
    cache: ["4.50", "10.50", "30.00"],
    compute: [13.26, 13.26, 15.51],
  },
];

describe.each(MEASURED)(
  "the memory with $name is what llama.cpp logged",
  ({ values, batch, layers, weights, cache, compute }) => {
    const settings = { ...settingsWith({ "model.contextTokens": 2048, ...values }), ...batch };
    const memory = memoryModel(smallModelFacts(), settings);
    const [own, first, second] = layers;
    const isPipelined = own === 0;
    const devices = [
      memory.backend("cpu", GIB, { first: own, count: first, holdsOutput: false }, isPipelined),
      memory.backend("cpu", GIB, { first: own + first, count: second, holdsOutput: true }, isPipelined),
      memory.front(GIB, own, isPipelined),
    ];

    test("to the byte for the weights", () =>
      expect(devices.map(({ weightsBytes }) => logged(weightsBytes))).toEqual(weights));

    test("to the byte for the KV cache", () =>
      expect(devices.map(({ kvCacheBytes }) => logged(kvCacheBytes))).toEqual(cache));

    test("or a little more for the compute buffers", () => {
      devices.forEach(({ computeBytes }, index) => {
        const truth = compute[index] ?? 0;
        expect(computeBytes / MIB).toBeGreaterThan(truth - 0.01);
        expect(computeBytes / MIB).toBeLessThan(truth * 1.02);
      });
    });

    test("and the parts add up", () => {
      for (const { totalBytes, weightsBytes, kvCacheBytes, computeBytes, reserveBytes } of devices) {
        expect(totalBytes).toBe(weightsBytes + kvCacheBytes + computeBytes + reserveBytes);
      }
    });
  },
);

describe("the KV cache", () => {
  const facts = smallModelFacts();

  test("is half as big and a little more in q8_0, a quarter and a little more in q4_0", () => {
    const bytes = (kvCacheType: string) =>
      kvCacheLayerBytes(facts, 0, settingsWith({ "model.kvCacheType": kvCacheType }));
    expect(bytes("q8_0") / bytes("f16")).toBe(34 / 64);
    expect(bytes("q4_0") / bytes("f16")).toBe(18 / 64);
  });

  test("is shared evenly by the slots, each rounded up to 256 tokens", () => {
    const settings = settingsWith({ "model.contextTokens": 5000, "model.parallelSlots": 3 });
    expect(settings.slotContextTokens).toBe(1792);
    expect(kvCacheLayerBytes(facts, 0, settings)).toBe(3 * 1792 * 2 * 3 * 64 * 2);
  });

  test("of a layer with a sliding window is as long as the window and the micro batch", () => {
    const extra = { "attention.sliding_window": { type: "uint32", value: 512 } } as const;
    const gemma = modelFacts({ architecture: "gemma3", layers: 18, keyValueHeads: 1, headLength: 256, extra });
    const settings = settingsWith({ "model.contextTokens": 8192 });
    expect(gemma.slidingWindow?.layers.map((slides) => (slides ? "s" : "F")).join("")).toBe("sssssFsssssFsssssF");
    expect(cacheCells(gemma, 0, settings)).toBe(1024);
    expect(cacheCells(gemma, 5, settings)).toBe(8192);
  });

  test("is empty for a layer without attention", () => {
    const extra = { "attention.head_count_kv": { type: "uint32s", value: [0, 3] } } as const;
    const facts = modelFacts({ layers: 2, extra });
    expect(kvCacheLayerBytes(facts, 0, measured)).toBe(0);
    expect(kvCacheLayerBytes(facts, 1, measured)).toBeGreaterThan(0);
  });

  test("of an architecture that the planner does not know is assumed full in every layer", () => {
    const extra = { "attention.sliding_window": { type: "uint32", value: 512 } } as const;
    const unknown = modelFacts({ architecture: "tomorrow", layers: 4, extra });
    expect(unknown.architectureKnown).toBe(false);
    expect(cacheCells(unknown, 0, settingsWith({ "model.contextTokens": 8192 }))).toBe(8192);
  });
});

describe("the batches", () => {
  const sizes = (values: Readonly<Record<string, unknown>>) => {
    const { batchTokens, microBatchTokens, slotContextTokens } = settingsWith(values);
    return [batchTokens, microBatchTokens, slotContextTokens];
  };

  test("are llama.cpp's own if nothing is said, and a short batch makes the micro batch as short", () => {
    expect(sizes({})).toEqual([2048, 512, 4096]);
    expect(sizes({ "model.batchTokens": 256 })).toEqual([256, 256, 4096]);
    expect(sizes({ "model.contextTokens": 1024 })).toEqual([1024, 512, 1024]);
  });

  test("hold the whole context of a slot with embeddings, which llama.cpp can't cut", () => {
    expect(sizes({ "front.embeddings": true })).toEqual([4096, 4096, 4096]);
    expect(sizes({ "front.embeddings": true, "model.parallelSlots": 4 })).toEqual([1024, 1024, 1024]);
    expect(sizes({ "front.embeddings": true, "model.contextTokens": 200_000 })).toEqual([200_192, 200_192, 200_192]);
    expect(sizes({ "front.embeddings": true, "model.contextTokens": 256 })).toEqual([256, 256, 256]);
  });

  test("hold the context with embeddings as llama.cpp rounds it, whatever the context, the slots and the batches", () => {
    const anyFront = fc.record({
      contextTokens: fc.integer({ min: 2048, max: 300_000 }),
      slots: fc.integer({ min: 1, max: 8 }),
    });
    fc.assert(
      fc.property(anyFront, ({ contextTokens, slots }) => {
        const values = {
          "front.embeddings": true,
          "model.contextTokens": contextTokens,
          "model.parallelSlots": slots,
        };
        const { batchTokens, microBatchTokens, slotContextTokens } = settingsWith(values);
        expect(microBatchTokens).toBeGreaterThanOrEqual(slotContextTokens);
        expect(batchTokens).toBeGreaterThanOrEqual(microBatchTokens);
        // llama.cpp takes no longer batch than the context that it is started with.
        const { LLAMA_ARG_CTX_SIZE, LLAMA_ARG_BATCH, LLAMA_ARG_UBATCH } = environmentOf(values);
        expect(Number(LLAMA_ARG_CTX_SIZE)).toBeGreaterThanOrEqual(slotContextTokens);
        expect(Number(LLAMA_ARG_CTX_SIZE)).toBe(slots * slotContextTokens);
        expect([Number(LLAMA_ARG_BATCH), Number(LLAMA_ARG_UBATCH)].every((size) => size >= slotContextTokens)).toBe(
          true,
        );
      }),
    );
  });

  test("take memory with embeddings that grows with the context", () => {
    const bytes = (contextTokens: number) =>
      memoryModel(
        smallModelFacts(),
        settingsWith({ "front.embeddings": true, "model.contextTokens": contextTokens }),
      ).backend("cpu", GIB, { first: 20, count: 10, holdsOutput: true }, false).computeBytes;
    expect(bytes(2048)).toBeGreaterThan(2048 * 49_152 * 4);
    expect(bytes(4096)).toBeGreaterThan(4096 * 49_152 * 4);
  });
});

describe("memory", () => {
  const numbers = fc.record({
    contextTokens: fc.integer({ min: 2048, max: 65_536 }),
    microBatchTokens: fc.integer({ min: 32, max: 2047 }),
    slots: fc.integer({ min: 1, max: 8 }),
  });
  const settingsOf = ({
    contextTokens,
    microBatchTokens,
    slots,
  }: {
    contextTokens: number;
    microBatchTokens: number;
    slots: number;
  }) =>
    settingsWith({
      "model.contextTokens": contextTokens,
      "model.microBatchTokens": microBatchTokens,
      "model.parallelSlots": slots,
    });
  const needed = (settings: ReturnType<typeof settingsOf>, count: number) =>
    memoryModel(smallModelFacts(), settings).backend("cpu", GIB, { first: 0, count, holdsOutput: false }, false)
      .totalBytes;

  test("grows with every layer, with the context and with the micro batch", () => {
    fc.assert(
      // With one layer alone, a bigger mask may leave a gap that something else then fits into.
      fc.property(numbers, fc.integer({ min: 2, max: 29 }), (values, count) => {
        const bytes = needed(settingsOf(values), count);
        expect(needed(settingsOf(values), count + 1)).toBeGreaterThan(bytes);
        expect(needed(settingsOf({ ...values, contextTokens: values.contextTokens + 2048 }), count)).toBeGreaterThan(
          bytes,
        );
        // The allocator leaves gaps, and a token more may close one.
        expect(needed(settingsOf({ ...values, microBatchTokens: values.microBatchTokens + 1 }), count)).toBeGreaterThan(
          0.99 * bytes,
        );
      }),
      { numRuns: 40 },
    );
  });

  test("of the last backend holds the logits of every token once embeddings are served", () => {
    const device = { first: 20, count: 10, holdsOutput: true };
    const bytes = (embeddings: boolean) =>
      memoryModel(smallModelFacts(), settingsWith({ "front.embeddings": embeddings })).backend(
        "cpu",
        GIB,
        device,
        false,
      ).computeBytes;
    expect(bytes(true)).toBeGreaterThan(512 * 49_152 * 4);
    expect(bytes(false)).toBeLessThan(512 * 49_152 * 4);
  });

  test("without flash attention holds the scores of every head", () => {
    const bytes = (flashAttention: string) =>
      memoryModel(smallModelFacts(), settingsWith({ "model.flashAttention": flashAttention })).backend(
        "cpu",
        GIB,
        { first: 0, count: 1, holdsOutput: false },
        false,
      ).computeBytes;
    expect(bytes("off") - bytes("on")).toBeGreaterThan(0.9 * 4096 * 512 * 9 * 4);
  });

  test("of a CPU holds what it converts scores in, once that is more than the largest tensor", () => {
    const facts = modelFacts({ layers: 4, heads: 64, keyValueHeads: 8, headLength: 64 });
    const reserve = (flavour: "cpu" | "cuda", flashAttention: string) => {
      const settings = settingsWith({ "model.flashAttention": flashAttention, "model.contextTokens": 16_384 });
      const run = { first: 0, count: 4, holdsOutput: true };
      return memoryModel(facts, settings).backend(flavour, GIB, run, false).reserveBytes;
    };
    const scores = 64 * 16_384 * 512;
    expect(reserve("cpu", "off")).toBeGreaterThan(2 * scores);
    expect(reserve("cpu", "on")).toBeLessThan(2 * scores);
    expect(reserve("cuda", "off")).toBe(reserve("cuda", "on"));
  });
});
