import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCluster } from "../../config/parse.ts";
import { memoryModel } from "../../plan/memory/devices.ts";
import { cacheCells, kvCacheLayerBytes } from "../../plan/memory/kv-cache.ts";
import { runSettings } from "../../plan/memory/settings.ts";
import { configurationWith } from "../support/configurations.ts";
import { modelFacts, smallModelFacts } from "../support/models.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const settingsWith = (values: Readonly<Record<string, unknown>>) =>
  runSettings(parseCluster(configurationWith(values)));
const measured = settingsWith({ "model.contextTokens": 2048 });

/** As llama.cpp's log writes it: MiB with two digits. */
const logged = (bytes: number) => (bytes / MIB).toFixed(2);

describe("the memory of SmolLM2 Q4_1 over two backends, split 1,1, is what llama.cpp's log says", () => {
  const memory = memoryModel(smallModelFacts(), measured);
  const first = memory.backend("cpu", GIB, { first: 0, count: 16, holdsOutput: false }, true);
  const second = memory.backend("cpu", GIB, { first: 16, count: 14, holdsOutput: true }, true);
  const front = memory.front(GIB, 0, true);

  test("weights: RPC0 33.82, RPC1 58.28 with the tied output layer, CPU 28.69 MiB", () => {
    expect([first, second, front].map(({ weightsBytes }) => logged(weightsBytes))).toEqual(["33.82", "58.28", "28.69"]);
  });

  test("KV cache: 24.00 and 21.00 MiB", () => {
    expect([first, second, front].map(({ kvCacheBytes }) => logged(kvCacheBytes))).toEqual(["24.00", "21.00", "0.00"]);
  });

  test("compute buffers: 24.91, 24.91 and 13.67 MiB, to a fiftieth of a MiB", () => {
    const log = [24.91, 24.91, 13.67];
    [first, second, front].forEach(({ computeBytes }, index) => {
      expect(Math.abs(computeBytes / MIB - (log[index] ?? 0))).toBeLessThan(0.02);
    });
  });

  test("the parts add up", () => {
    for (const { totalBytes, weightsBytes, kvCacheBytes, computeBytes, reserveBytes } of [first, second, front]) {
      expect(totalBytes).toBe(weightsBytes + kvCacheBytes + computeBytes + reserveBytes);
    }
  });
});

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
      fc.property(numbers, fc.integer({ min: 1, max: 29 }), (values, count) => {
        const bytes = needed(settingsOf(values), count);
        expect(needed(settingsOf(values), count + 1)).toBeGreaterThan(bytes);
        expect(needed(settingsOf({ ...values, contextTokens: values.contextTokens + 2048 }), count)).toBeGreaterThan(
          bytes,
        );
        expect(needed(settingsOf({ ...values, microBatchTokens: values.microBatchTokens + 1 }), count)).toBeGreaterThan(
          bytes - 1,
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
    expect(bytes("off") - bytes("on")).toBeGreaterThan(4096 * 512 * 9 * 4);
  });
});
