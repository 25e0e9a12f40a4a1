import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configurationWith } from "../../bench/support/configurations.ts";
import { modelFacts } from "../../bench/support/models.ts";
import { PUBLISHED, publishedModel } from "../../bench/support/published-cluster.ts";
import { parseCluster } from "../../config/parse.ts";
import { findMachineType, type MachineType } from "../../plan/catalog/index.ts";
import { memoryModel } from "../../plan/memory/devices.ts";
import { valueWidth } from "../../plan/memory/kv-cache.ts";
import { runSettings } from "../../plan/memory/settings.ts";
import type { ModelFacts } from "../../plan/model/facts.ts";
import { estimateSpeed, type LoadedDevice, promptBatchSeconds } from "../../plan/speed/estimate.ts";
import { estimateLoad, GP3_INCLUDED_MEBIBYTES_PER_SECOND } from "../../plan/speed/load.ts";
import { type DeviceSpeed, deviceSpeed, linkBetween } from "../../plan/speed/rates.ts";
import { sumOf, workModel } from "../../plan/speed/work.ts";
import { publishedSetting } from "../oracle/cases.ts";
import { readGolden } from "../oracle/golden.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** How far a prediction may be from what was published. */
const MARGIN = 0.25;

const settings = runSettings(
  parseCluster(
    configurationWith({
      "model.contextTokens": PUBLISHED.contextTokens,
      "model.microBatchTokens": PUBLISHED.microBatchTokens,
      "model.batchTokens": PUBLISHED.batchTokens,
      "model.flashAttention": "off",
    }),
  ),
);

/** As the log writes bytes: MiB with two digits. */
function inLog(bytes: number): number {
  return Number((bytes / MIB).toFixed(2));
}

function machine(name: string): MachineType {
  const type = findMachineType(name);
  if (type === undefined) throw new Error(`${name} is not in the catalog: add its row`);
  return type;
}

function work(facts: ModelFacts, filled = 0) {
  return workModel(facts, settings, memoryModel(facts, settings), filled);
}

function expectWithin(predicted: number, published: number, margin: number) {
  expect(predicted / published, `predicted ${predicted}, published ${published}`).toBeGreaterThan(1 - margin);
  expect(predicted / published, `predicted ${predicted}, published ${published}`).toBeLessThan(1 + margin);
}

/** The published cluster's devices: the front has the first layers, as llama.cpp counts, and its processor as a device. */
function publishedDevices(): LoadedDevice[] {
  const type = machine(PUBLISHED.machine);
  const [first, second, own] = PUBLISHED.layers;
  const remote = deviceSpeed(type, linkBetween(type, type), "cpu");
  return [
    { speed: deviceSpeed(type, null, "cpu"), run: { first: 0, count: own, holdsOutput: false } },
    { speed: remote, run: { first: own, count: first, holdsOutput: false } },
    { speed: remote, run: { first: own + first, count: second, holdsOutput: true } },
  ];
}

describe("the published cluster of 3 × c8g.16xlarge with Llama 3.1 405B Q4_0", () => {
  const facts = publishedModel();
  const memory = memoryModel(facts, settings);
  const [first, second, own] = PUBLISHED.layers;

  test("has a file of the published size", () => {
    expect(facts.fileBytes / GIB).toBeCloseTo(PUBLISHED.fileGibibytes, 1);
    expect(facts.quantization).toBe("Q4_0");
  });

  test("gets the KV cache of the log, to the byte, for the log's layers", () => {
    const kv = [
      memory.backend("cpu", 0, { first: own, count: first, holdsOutput: false }, false).kvCacheBytes,
      memory.backend("cpu", 0, { first: own + first, count: second, holdsOutput: true }, false).kvCacheBytes,
      memory.front(0, own, false).kvCacheBytes,
    ];
    expect(kv.map((bytes) => bytes / MIB)).toEqual([...PUBLISHED.kvMebibytes]);
  });

  /** Two backends and the front, as the log has them. */
  const compute = [
    memory.backend("cpu", 0, { first: own, count: first, holdsOutput: false, followsFront: true }, false),
    memory.backend("cpu", 0, { first: own + first, count: second, holdsOutput: true }, false),
    memory.front(0, own, false),
  ].map(({ computeBytes }) => computeBytes);

  test("gets the compute buffers that the pinned programs report for layers as wide, to 0.01 MiB", () => {
    const measured = readGolden()["llama-405b-wide"]?.[publishedSetting.name];
    const reported = [...(measured?.devices ?? []), measured?.front].map((sizes) => sizes?.[2]);
    expect(compute.map(inLog)).toEqual(reported);
  });

  test("gets the compute buffers of the log, to 0.01 MiB, with what llama.cpp's graph has gained and lost since b5935", () => {
    const tokens = settings.microBatchTokens;
    // Cells of the cache are given by numbers: one for the keys of a token, one for each of its values, which lie
    // transposed. The log says "using old ggml_cpy() method". (ggml-org/llama.cpp#14285, the default since #14959)
    const cellNumbers = tokens * (1 + valueWidth(facts, 0, settings)) * 8;
    // The front keeps room for embeddings in place of tokens, whatever a batch brings. (#18898)
    const embeddingsInput = tokens * facts.embeddingLength * 4;
    // Every token of a micro batch was counted as having an output, by its number; now those are that the server asks
    // for. The last backend and the front hold the numbers. (#23861)
    const outputNumbers = (tokens - settings.slots) * 4;
    const since = [cellNumbers, cellNumbers - outputNumbers, cellNumbers + embeddingsInput - outputNumbers];
    const published = compute.map((bytes, device) => inLog(bytes - (since[device] ?? 0)));
    expect(published).toEqual([...PUBLISHED.computeMebibytes]);
  });

  test("generates as fast as published, within 25 %, bound by memory", () => {
    const { decode, because } = estimateSpeed(work(facts), publishedDevices(), settings, false);
    expectWithin(decode.tokensPerSecond, PUBLISHED.decodeTokensPerSecond, MARGIN);
    expect(decode.low).toBeLessThan(PUBLISHED.decodeTokensPerSecond);
    expect(decode.high).toBeGreaterThan(PUBLISHED.decodeTokensPerSecond);
    expect(decode.boundBy).toBe("memory");
    expect(because.join(" ")).toMatch(/\d\d % is reading weights/);
  });

  test("takes as long as published for a prompt of five tokens, within 25 %", () => {
    const stages = publishedDevices().map(({ speed, run }) =>
      work(facts).microBatch(speed, run, PUBLISHED.promptTokens),
    );
    const seconds = stages.reduce((sum, stage) => sum + sumOf(stage), 0);
    expectWithin(seconds, PUBLISHED.promptSeconds, MARGIN);
  });

  test("loads as slowly as published, within 25 %, and the disk is named as the reason", () => {
    const type = machine(PUBLISHED.machine);
    const load = (diskMebibytesPerSecond: number) =>
      estimateLoad({
        fileBytes: facts.fileBytes,
        front: type,
        diskMebibytesPerSecond,
        backends: [50, 49].map((layers) => ({
          bytes: (facts.fileBytes * layers) / 126,
          bytesPerSecond: linkBetween(type, type).bytesPerSecond,
        })),
      });
    const published = load(GP3_INCLUDED_MEBIBYTES_PER_SECOND);
    expectWithin(published.seconds, PUBLISHED.loadSeconds, MARGIN);
    expect(published.boundBy).toBe("disk");
    expect(published.because).toContain("the volume of the model gives 125 MiB/s");
    const fast = load(1000);
    expect(fast.seconds, "a faster volume must help").toBeLessThan(published.seconds / 5);
  });
});

describe("the speed estimate", () => {
  test("puts one c8g.16xlarge with a 70B model of 4 bits into Arm's band of 5 to 10 tokens per second", () => {
    const facts = modelFacts({
      layers: 80,
      embeddingLength: 8192,
      heads: 64,
      keyValueHeads: 8,
      headLength: 128,
      feedForwardLength: 28_672,
      vocabularyTokens: 128_256,
      hasOutputWeights: true,
    });
    const speed = deviceSpeed(machine("c8g.16xlarge"), null, "cpu");
    const whole = [{ speed, run: { first: 0, count: 80, holdsOutput: true } }];
    const { decode } = estimateSpeed(work(facts), whole, settings, false);
    expect(decode.tokensPerSecond).toBeGreaterThan(5);
    expect(decode.tokensPerSecond).toBeLessThan(10);
  });

  test("gains from pipelining what two RPC GPUs were seen to gain: 1172 to 1971 tokens per second", () => {
    // Two equal stages in place of one of twice their length; a batch of 2048 is four micro batches of 512.
    const one = promptBatchSeconds([2], 4, false);
    const two = promptBatchSeconds([1, 1], 4, true);
    expectWithin(one / two, 1971 / 1172, MARGIN);
    expect(promptBatchSeconds([1, 1], 4, false), "without pipelining a second device gains nothing").toBe(
      (one * 4) / 4,
    );
  });

  const devices = fc.array(
    fc.record({
      bytesPerSecond: fc.integer({ min: 1e9, max: 4e12 }),
      flopsPerSecond: fc.integer({ min: 1e11, max: 1e15 }),
      layerSeconds: fc.constant(3e-5),
      link: fc.option(
        fc.record({
          roundTripSeconds: fc.integer({ min: 0, max: 20 }).map((ms) => ms / 1000),
          bytesPerSecond: fc.constant(1e9),
        }),
      ),
    }),
    { minLength: 1, maxLength: 6 },
  );
  const facts = modelFacts({ layers: 24 });

  /** Four layers on each device. */
  const loaded = (speeds: DeviceSpeed[]): LoadedDevice[] =>
    speeds.map((speed, index) => ({
      speed,
      run: { first: 4 * index, count: 4, holdsOutput: index === speeds.length - 1 },
    }));

  test("lies between its low and its high end, and its parts add up to its time", () => {
    fc.assert(
      fc.property(devices, fc.boolean(), (speeds, pipelined) => {
        const { decode, prompt } = estimateSpeed(work(facts, 0.5), loaded(speeds), settings, pipelined);
        expect(sumOf(decode.parts)).toBeCloseTo(1 / decode.tokensPerSecond, 9);
        for (const { low, tokensPerSecond, high } of [decode, prompt]) {
          expect(low).toBeLessThan(tokensPerSecond);
          expect(high).toBeGreaterThan(tokensPerSecond);
        }
      }),
    );
  });

  test("never gets slower by faster memory or a shorter way, nor by pipelining", () => {
    fc.assert(
      fc.property(devices, (speeds) => {
        const at = (changed: DeviceSpeed[], pipelined = false) =>
          estimateSpeed(work(facts, 0.5), loaded(changed), settings, pipelined);
        const before = at(speeds).decode.tokensPerSecond * (1 - 1e-9);
        const faster = speeds.map((speed) => ({ ...speed, bytesPerSecond: speed.bytesPerSecond * 2 }));
        const nearer = speeds.map((speed) => ({
          ...speed,
          link: speed.link && { ...speed.link, roundTripSeconds: speed.link.roundTripSeconds / 2 },
        }));
        expect(at(faster).decode.tokensPerSecond).toBeGreaterThanOrEqual(before);
        expect(at(nearer).decode.tokensPerSecond).toBeGreaterThanOrEqual(before);
        expect(at(speeds, true).prompt.tokensPerSecond).toBeGreaterThanOrEqual(
          at(speeds, false).prompt.tokensPerSecond * (1 - 1e-9),
        );
      }),
    );
  });

  test("reads prompts slower the longer the context is that they look back on", () => {
    const promptSpeed = (contextTokens: number) => {
      const long = runSettings(parseCluster(configurationWith({ "model.contextTokens": contextTokens })));
      const model = workModel(facts, long, memoryModel(facts, long), 0.5);
      const speed = deviceSpeed(machine("g6e.xlarge"), null, "cuda");
      const devices = [{ speed, run: { first: 0, count: 24, holdsOutput: true } }];
      return estimateSpeed(model, devices, long, false).prompt.tokensPerSecond;
    };
    expect(promptSpeed(65_536)).toBeLessThan(0.7 * promptSpeed(4096));
  });

  test("takes for a load what each backend's own connection takes", () => {
    const front = machine("c8g.48xlarge");
    const load = (shares: [number, number][]) =>
      estimateLoad({
        fileBytes: 1,
        front,
        diskMebibytesPerSecond: 1000,
        backends: shares.map(([bytes, bytesPerSecond]) => ({ bytes, bytesPerSecond })),
      });
    expect(
      load([
        [1e12, 1e9],
        [1e9, 1e8],
      ]).seconds,
    ).toBeCloseTo(1010, 6);
  });

  test("adds exactly one round trip for each backend and token", () => {
    const near = { roundTripSeconds: 0, bytesPerSecond: 1e9 };
    const speed = (roundTripSeconds: number): DeviceSpeed => ({
      bytesPerSecond: 1e11,
      flopsPerSecond: 1e13,
      layerSeconds: 0,
      link: { ...near, roundTripSeconds },
    });
    const seconds = (roundTripSeconds: number) => {
      const three = loaded([speed(roundTripSeconds), speed(roundTripSeconds), speed(roundTripSeconds)]);
      return estimateSpeed(work(facts), three, settings, false).decode.secondsPerToken;
    };
    expect(seconds(0.01) - seconds(0)).toBeCloseTo(0.03, 9);
  });

  test("reads only the chosen experts for a token, and most of them for a prompt", () => {
    const dense = modelFacts({ layers: 8 });
    const experts = { count: 64, used: 4 };
    const mixture = {
      ...dense,
      experts,
      weights: { ...dense.weights, layerExpertBytes: dense.weights.layerBytes.map((bytes) => bytes / 2) },
    };
    const speed: DeviceSpeed = { bytesPerSecond: 1e9, flopsPerSecond: 1e15, layerSeconds: 0, link: null };
    const run = { first: 0, count: 8, holdsOutput: false };
    const share = work(mixture).token(speed, run).memory / work(dense).token(speed, run).memory;
    expect(share).toBeCloseTo(0.5 + 0.5 * (4 / 64), 6);
    const prompt = work(mixture).microBatch(speed, run, 512).memory / work(dense).microBatch(speed, run, 512).memory;
    expect(prompt).toBeGreaterThan(0.99);
  });
});
