import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configurationWith } from "../../bench/support/configurations.ts";
import { modelFacts, smallModelFacts } from "../../bench/support/models.ts";
import { parseCluster } from "../../config/parse.ts";
import type { ClusterConfig } from "../../config/schema/index.ts";
import { FINDING_NUMBERS } from "../../plan/findings/codes.ts";
import { resolve } from "../../plan/hosts/resolve.ts";
import type { ModelFacts } from "../../plan/index.ts";
import { applyChange, changedPath } from "../../plan/remedies/change.ts";
import { expectChangesToHelp, expectToBeGone, findings } from "../support/findings.ts";

const configWith = (values: Readonly<Record<string, unknown>>) => parseCluster(configurationWith(values));

/** A situation that brings about one kind of finding. */
interface Situation {
  code: string;
  config: ClusterConfig;
  facts?: ModelFacts;
  remedy: string;
  /** Nothing in the stack file makes it go away but another model. */
  isWithoutChange?: boolean;
}

const fifteen = configWith({ "backends[0].count": 15 });
const situations: Situation[] = [
  {
    code: "model-does-not-fit",
    config: configWith({ "backends[0].memory": "100 MiB", "front.memory": "256 MiB", "model.contextTokens": 2048 }),
    remedy: "Set backends[0].memory to at least 192 MiB.",
  },
  {
    code: "model-does-not-fit",
    config: configWith({ backends: [{ name: "a", count: 4, memory: "192 MiB" }], "front.memory": "512 MiB" }),
    facts: modelFacts({ layers: 30, feedForwardLength: 16_384 }),
    remedy: "Set backends[0].memory to at least 320 MiB.",
  },
  {
    code: "model-does-not-fit",
    config: configWith({ backends: [{ name: "a", count: 2, memory: "128 MiB", layers: [29, 1] }] }),
    remedy: "Leave layers out of every pool. The planner's own split is enough.",
  },
  {
    code: "split-too-long",
    config: configWith({ backends: [{ name: "a", count: 2, memory: "1 GiB", layers: [20, 15] }] }),
    remedy: "Leave layers out of every pool. Or assign 5 fewer.",
  },
  {
    code: "front-memory-too-small",
    config: configWith({ "front.memory": "128 MiB" }),
    remedy: "Set front.memory to at least 256 MiB.",
  },
  {
    code: "more-backends-than-layers",
    config: configWith({ "backends[0].count": 6 }),
    facts: modelFacts({ layers: 4 }),
    remedy: "Set backends[0].count to at most 4.",
  },
  {
    code: "too-many-backends",
    config: {
      ...fifteen,
      backends: [...fifteen.backends, { ...configWith({}).backends[0], name: "b" }] as ClusterConfig["backends"],
    },
    remedy: "Set backends[0].count to at most 13.",
  },
  {
    code: "front-computes-layers",
    config: configWith({ "backends[0].memory": "128 MiB", "model.contextTokens": 2048 }),
    remedy: "Set backends[0].memory to at least 192 MiB.",
  },
  {
    code: "front-computes-layers",
    config: configWith({ backends: [{ name: "a", count: 2, memory: "1 GiB", layers: [10, 15] }] }),
    remedy: "Leave layers out of every pool. The planner's own split is enough.",
  },
  {
    code: "context-longer-than-trained",
    config: configWith({ "model.contextTokens": 32_768 }),
    remedy: "Set model.contextTokens to at most 8192.",
  },
  {
    code: "context-longer-than-trained",
    config: configWith({ "model.contextTokens": 8192, "model.parallelSlots": 2 }),
    facts: modelFacts({ layers: 8, contextTokens: 1000 }),
    remedy: "Set model.contextTokens to at most 1536.",
  },
  {
    code: "context-longer-than-trained",
    config: configWith({ "model.contextTokens": 256 }),
    facts: modelFacts({ layers: 8, contextTokens: 128 }),
    remedy:
      "Keep each prompt with its answer within 128 tokens. The context of a slot can't be shorter than 256 tokens. Or choose another model.",
    isWithoutChange: true,
  },
  {
    code: "context-rounded",
    config: configWith({ "model.contextTokens": 5000, "model.parallelSlots": 3 }),
    remedy: "Set model.contextTokens to 5376.",
  },
  {
    code: "architecture-unknown",
    config: configWith({}),
    facts: modelFacts({ layers: 8, architecture: "tomorrow" }),
    remedy: "Leave a tenth of each backend's memory free, and compare the front's start-up log with the plan.",
    isWithoutChange: true,
  },
  {
    code: "model-changed",
    config: configWith({}),
    facts: { ...modelFacts({ layers: 8 }), source: "models/model.gguf", changed: true },
    remedy:
      "If you want the new file, run `npm run plan` for this stack with --renew and commit the lock file. Or get the former file again.",
    isWithoutChange: true,
  },
  {
    code: "model-elsewhere",
    config: parseCluster(configurationWith({ "model.source": "hf:owner/repository/model.gguf" }), "plan"),
    facts: { ...modelFacts({ layers: 8 }), fileName: "model.gguf" },
    remedy: "Download the model to .models/model.gguf. Set model.source to .models/model.gguf.",
  },
  {
    code: "one-backend-is-enough",
    config: configWith({ "backends[0].count": 4, "backends[0].memory": "512 MiB" }),
    remedy: "Set backends[0].count to 1.",
  },
  {
    code: "one-backend-is-enough",
    config: configWith({
      backends: [
        { name: "big", memory: "4 GiB" },
        { name: "small", memory: "1 GiB" },
        { name: "gpu", flavour: "cuda", memory: "8 GiB" },
      ],
    }),
    remedy: "Remove pools big and small.",
  },
  {
    code: "one-backend-is-enough",
    config: configWith({ backends: [{ name: "a", count: 2, memory: "1 GiB", layers: [15, 15] }] }),
    remedy: "Set backends[0].count to 1 and leave layers out of every pool.",
  },
  {
    code: "one-backend-is-enough",
    config: configWith({
      backends: [
        { name: "a", memory: "1 GiB", layers: [15] },
        { name: "b", memory: "2 GiB", layers: [15] },
      ],
    }),
    remedy: "Remove pool b and leave layers out of every pool.",
  },
  {
    code: "cpu-beside-gpu",
    config: configWith({
      backends: [
        { name: "cpu", memory: "4 GiB", layers: [10] },
        { name: "gpu", flavour: "cuda", count: 2, memory: "1 GiB", layers: [10, 10] },
      ],
    }),
    facts: modelFacts({ layers: 30, feedForwardLength: 16_384 }),
    remedy: "Remove pool cpu and leave layers out of every pool.",
  },
  {
    code: "cpu-beside-gpu",
    config: configWith({
      backends: [
        { name: "cpu", memory: "4 GiB" },
        { name: "gpu", flavour: "cuda", count: 2, memory: "1 GiB" },
      ],
    }),
    facts: modelFacts({ layers: 30, feedForwardLength: 16_384 }),
    remedy: "Remove pool cpu.",
  },
  {
    code: "memory-unused",
    config: configWith({ "backends[0].memory": "4 GiB" }),
    remedy: "Set backends[0].memory to 256 MiB. Or use the free memory for a longer context.",
  },
  {
    code: "memory-unused",
    config: configWith({
      backends: [
        { name: "a", memory: "4 GiB" },
        { name: "b", count: 2, memory: "2 GiB" },
      ],
    }),
    remedy:
      "Set backends[0].memory to 320 MiB and backends[1].memory to 192 MiB. Or use the free memory for a longer context.",
  },
  {
    code: "gpu-shared",
    config: configWith({ backends: [{ name: "gpu", flavour: "cuda", count: 2, memory: "8 GiB" }] }),
    remedy: 'Set backends[0].count to 1. Or write one pool for each GPU, with count 1 and gpus "0", "1" and so on.',
  },
];

const memory = fc.integer({ min: 2, max: 160 }).map((steps) => `${steps * 64} MiB`);
const anyPools = fc
  .array(fc.record({ flavour: fc.constantFrom("cpu", "cpu", "cuda"), count: fc.integer({ min: 1, max: 5 }), memory }), {
    minLength: 1,
    maxLength: 3,
  })
  .map((pools) => pools.map((pool, index) => ({ name: `p${index}`, ...pool })));
const anyModel = fc.record({
  layers: fc.integer({ min: 4, max: 40 }),
  feedForwardLength: fc.constantFrom(1536, 8192, 28_672),
  contextTokens: fc.constantFrom(2048, 131_072),
});
const anyRun = fc.record({
  "front.memory": memory,
  "model.contextTokens": fc.integer({ min: 2048, max: 40_000 }),
  "model.parallelSlots": fc.integer({ min: 1, max: 4 }),
});

describe("a finding", () => {
  test.each(situations)("$code is found, with its remedy: $remedy", ({ code, config, facts, remedy }) => {
    const found = findings(config, facts ?? smallModelFacts()).find((finding) => finding.code === code);
    expect(found?.remedyText).toBe(remedy);
    expect(found?.message).toMatch(/^[A-Z].*\.$/);
    if (found?.remedy.change !== undefined) expect(found.path).toBe(changedPath(found.remedy.change));
  });

  test.each(situations.filter(({ isWithoutChange }) => isWithoutChange === true))(
    "$code has no change that would not help",
    ({ code, config, facts }) => {
      const found = findings(config, facts ?? smallModelFacts()).filter((finding) => finding.code === code);
      expect(found).toHaveLength(1);
      expect(found[0]?.remedy).not.toHaveProperty("change");
      expect(found[0]?.remedy.action).toMatch(/^[a-z]/);
    },
  );

  test.each(situations.filter(({ config }) => resolve(config).ownSplit !== null))(
    "$code says that its change leaves out the user's own split: $remedy",
    ({ code, config, facts }) => {
      const found = findings(config, facts ?? smallModelFacts()).find((finding) => finding.code === code);
      if (found?.remedy.change === undefined) throw new Error(`${code} must say what to change`);
      expect(JSON.stringify(applyChange(config, found.remedy.change))).not.toContain("layers");
      expect(found.remedyText).toMatch(/leave layers out of every pool/i);
    },
  );

  test.each(situations.filter(({ isWithoutChange }) => isWithoutChange !== true))(
    "$code goes away when its remedy is applied: $remedy",
    ({ code, config, facts }) => {
      const model = facts ?? smallModelFacts();
      const found = findings(config, model).find((finding) => finding.code === code);
      if (found?.remedy.change === undefined) throw new Error(`${code} must say which value its remedy sets`);
      expectToBeGone(config, model, found.remedy.change, found);
    },
  );

  test("is not made without a reason", () =>
    expect(findings(configWith({ "backends[0].count": 1 }), smallModelFacts())).toEqual([]));

  test("has a number of its own", () => {
    const numbers = Object.values(FINDING_NUMBERS);
    expect(new Set(numbers).size).toBe(numbers.length);
    const [found] = findings(configWith({ "model.contextTokens": 32_768 }), smallModelFacts());
    expect(found).toMatchObject({ code: "context-longer-than-trained", number: "F06" });
  });

  test("has its remedy as data and in sentences, and all of it is JSON", () => {
    const [found] = findings(configWith({ "model.contextTokens": 32_768 }), smallModelFacts());
    expect(found).toEqual({
      code: "context-longer-than-trained",
      number: "F06",
      severity: "warning",
      path: "model.contextTokens",
      message:
        "Each slot has a context of 32768 tokens, but the model was trained with 8192: answers beyond that get worse.",
      remedy: {
        change: { set: [{ path: "model.contextTokens", value: 8192, bound: "at most" }], remove: [] },
      },
      remedyText: "Set model.contextTokens to at most 8192.",
    });
    for (const { config, facts } of situations) {
      const all = findings(config, facts ?? smallModelFacts());
      expect(JSON.parse(JSON.stringify(all))).toStrictEqual(all);
    }
  });

  test("with a change goes away by it, whatever the model and the cluster", () => {
    fc.assert(
      fc.property(anyPools, anyModel, anyRun, (backends, shape, run) =>
        expectChangesToHelp(configWith({ ...run, backends }), modelFacts(shape)),
      ),
      { numRuns: 12 },
    );
  });

  test("that is an error comes before the others", () => {
    const found = findings(configWith({ "model.contextTokens": 40_000, "front.memory": "128 MiB" }), smallModelFacts());
    expect(found.map(({ severity }) => severity)).toEqual(["error", "warning", "advice"]);
  });
});
