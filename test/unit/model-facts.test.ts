import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gguf } from "@huggingface/gguf";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ggufFile } from "../../bench/support/gguf-writer.ts";
import { modelFacts, modelFile, SMALL_MODEL, smallModelFacts } from "../../bench/support/models.ts";
import { openFile } from "../../plan/model/byte-source.ts";
import { ModelError, readModelFacts } from "../../plan/model/facts.ts";
import { readHeader } from "../../plan/model/gguf-header.ts";
import type { GgufHeader } from "../../plan/model/metadata.ts";

const projectRoot = join(import.meta.dirname, "../..");
const smallModel = join(projectRoot, ".models", SMALL_MODEL);
const hasSmallModel = existsSync(smallModel);

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "models-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function written(bytes: Buffer, name = "model.gguf"): string {
  writeFileSync(join(directory, name), bytes);
  return name;
}

async function headerOf(file: string): Promise<GgufHeader> {
  const source = await openFile(file);
  try {
    return (await readHeader(source)).header;
  } finally {
    await source.close();
  }
}

async function refusal(source: string): Promise<string> {
  try {
    await readModelFacts(source, directory);
  } catch (error) {
    if (error instanceof ModelError) return error.message;
    throw error;
  }
  return "";
}

describe("the facts of a model", () => {
  test("are read from a file as they were written into it", async () => {
    const shape = { layers: 4, hasOutputWeights: true };
    const facts = await readModelFacts(written(modelFile(shape)), directory);
    const { source, file, fileName, fileBytes, weights, ...made } = modelFacts(shape);
    expect(facts).toMatchObject(made);
    expect(facts).toMatchObject({ source: "model.gguf", file: join(directory, "model.gguf"), fileName: "model.gguf" });
    expect({ ...facts.weights, headerBytes: 0 }).toEqual({ ...weights, headerBytes: 0 });
  });

  test("count tied input embeddings twice: on the front's CPU, and with the output layer", () => {
    const tied = modelFacts({ layers: 2 }).weights;
    const untied = modelFacts({ layers: 2, hasOutputWeights: true }).weights;
    expect(tied.tied).toBe(true);
    expect(untied.tied).toBe(false);
    expect(tied.outputBytes).toBe(untied.outputBytes);
    expect(tied.inputBytes).toBe((576 * 49_152 * 34) / 32);
  });

  test("know each layer's heads where they differ", () => {
    const extra = {
      "attention.head_count": { type: "uint32s", value: [8, 16] },
      "attention.head_count_kv": { type: "uint32s", value: [0, 4] },
    } as const;
    expect(modelFacts({ layers: 2, extra })).toMatchObject({ heads: [8, 16], keyValueHeads: [0, 4] });
  });

  test("know which layers look at a sliding window, by the file's own pattern if it has one", () => {
    const window = { "attention.sliding_window": { type: "uint32", value: 1024 } } as const;
    const pattern = { "attention.sliding_window_pattern": { type: "bools", value: [true, false, true] } } as const;
    const layers = (extra: NonNullable<Parameters<typeof modelFacts>[0]["extra"]>) =>
      modelFacts({ architecture: "gemma3", layers: 3, extra }).slidingWindow?.layers;
    expect(layers(window)).toEqual([true, true, true]);
    expect(layers({ ...window, ...pattern })).toEqual([true, false, true]);
    expect(layers({})).toBeUndefined();
  });

  test("know the experts of a mixture", () => {
    const extra = {
      expert_count: { type: "uint32", value: 8 },
      expert_used_count: { type: "uint32", value: 2 },
    } as const;
    expect(modelFacts({ layers: 1, extra }).experts).toEqual({ count: 8, used: 2 });
    expect(modelFacts({ layers: 1 }).experts).toBeNull();
  });

  test("are read past a vocabulary that is longer than the first read", async () => {
    const tokens = Array.from({ length: 30_000 }, (_, index) => `${index}-${"x".repeat(180)}`);
    const bytes = ggufFile(
      {
        "general.architecture": { type: "string", value: "llama" },
        "tokenizer.ggml.tokens": { type: "strings", value: tokens },
        "llama.block_count": { type: "uint32", value: 1 },
        "llama.embedding_length": { type: "uint64", value: 64 },
      },
      [{ name: "blk.0.attn_norm.weight", shape: [64], dtype: 0 }],
    );
    expect(bytes.length).toBeGreaterThan(5_000_000);
    const facts = await readModelFacts(written(bytes), directory);
    expect(facts).toMatchObject({ vocabularyTokens: 30_000, layers: 1, embeddingLength: 64 });
  });
});

describe("a model that can't be planned with is answered in one sentence:", () => {
  test("a file that is not there", async () => {
    expect(await refusal("nowhere.gguf")).toBe(
      "There is no model at nowhere.gguf: put a GGUF file there, or correct the path.",
    );
  });

  test("the demonstration model before it is downloaded", async () => {
    expect(await refusal(`.models/${SMALL_MODEL}`)).toBe(
      `There is no model at .models/${SMALL_MODEL}: run \`npm start\`, which downloads the demonstration model, or put a GGUF file there.`,
    );
  });

  test("a folder", async () => {
    mkdirSync(join(directory, "models.gguf"));
    expect(await refusal("models.gguf")).toBe("models.gguf is a folder, not a model: name the GGUF file in it.");
  });

  test("a file of another kind", async () => {
    expect(await refusal(written(Buffer.from("<html>404</html>")))).toContain(
      "can't be read as a GGUF file (it does not begin with GGUF)",
    );
  });

  test("an empty file", async () =>
    expect(await refusal(written(Buffer.alloc(0)))).toContain("it does not begin with GGUF"));

  test("a file that was cut off within its header", async () => {
    const whole = modelFile({ layers: 4 });
    for (const length of [5, 20, 200, whole.length - 200]) {
      expect(await refusal(written(whole.subarray(0, length)))).toContain("it ends within its header");
    }
  });

  test("a format of the future", async () => {
    const bytes = modelFile({ layers: 1 });
    bytes.writeUInt32LE(9, 4);
    expect(await refusal(written(bytes))).toContain("it has version 9 of the format, not 2 or 3");
  });

  test("one part of several", async () => {
    const bytes = ggufFile(
      {
        "general.architecture": { type: "string", value: "llama" },
        "llama.block_count": { type: "uint32", value: 1 },
        "split.count": { type: "uint32", value: 3 },
      },
      [],
    );
    expect(await refusal(written(bytes))).toContain(
      "model.gguf can't be planned: it is one of 3 parts and not named like one",
    );
  });

  test("a file without a language model", async () => {
    expect(await refusal(written(ggufFile({}, [])))).toContain("it names no architecture");
  });
});

describe("another reader of the format", () => {
  test("finds the same metadata and tensors in a made-up file", async () => {
    written(modelFile({ layers: 3, hasOutputWeights: true }));
    await expectSameHeader(join(directory, "model.gguf"));
  });

  test.runIf(hasSmallModel)("finds the same in the real small model", () => expectSameHeader(smallModel));
});

async function expectSameHeader(file: string): Promise<void> {
  const ours = await headerOf(file);
  const theirs = await gguf(file, { allowLocalFile: true });
  const { version, tensor_count, kv_count, ...metadata } = theirs.metadata;
  expect(Object.keys(ours.metadata)).toEqual(Object.keys(metadata));
  for (const [key, value] of Object.entries(ours.metadata)) {
    const other: unknown = Reflect.get(metadata, key);
    const isCounted = typeof value === "object" && !Array.isArray(value);
    const comparable = Array.isArray(other) && isCounted ? { length: other.length } : other;
    expect(typeof comparable === "bigint" ? Number(comparable) : comparable, key).toEqual(
      isCounted ? { ...value } : value,
    );
  }
  expect(ours.tensorInfos).toEqual(
    theirs.tensorInfos.map(({ name, shape, dtype }) => ({ name, shape: shape.map(Number), dtype })),
  );
  expect(ours.tensorDataOffset).toBe(Number(theirs.tensorDataOffset));
}

describe(`${SMALL_MODEL}${hasSmallModel ? "" : " (left out: not in .models/, `npm start` downloads it)"}`, () => {
  test.runIf(hasSmallModel)("has the facts that are kept for the other tests", async () => {
    const facts = await readModelFacts(join(".models", SMALL_MODEL), projectRoot);
    expect({ ...facts, file: null }, "write them anew into bench/support/small-model-facts.json").toEqual(
      smallModelFacts(),
    );
  });

  test.runIf(hasSmallModel)("is read in less than 200 ms", async () => {
    const started = performance.now();
    await headerOf(smallModel);
    expect(performance.now() - started).toBeLessThan(200);
  });
});
