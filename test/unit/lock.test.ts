import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ModelShape, modelFile, splitModelFiles } from "../../bench/support/models.ts";
import { factsOfModel, readModelFacts } from "../../plan/model/facts.ts";
import { isSameModel, keepModel, keptModel, LOCK_FILE, lockKey } from "../../plan/model/lock.ts";
import { lookUpModel } from "../../plan/model/look-up.ts";
import { UnreadList } from "../../plan/model/metadata.ts";
import { packMetadata, packTensors, unpackMetadata, unpackTensors } from "../../plan/model/packing.ts";
import { readModel } from "../../plan/model/sources.ts";
import { type FileServer, fileServer } from "../support/file-server.ts";

let server: FileServer;
let root = "";
beforeAll(async () => {
  server = await fileServer();
});
afterAll(() => server.close());
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lock-"));
  mkdirSync(join(root, "models"));
  server.files.clear();
  server.requests.length = 0;
});
afterEach(() => rmSync(root, { recursive: true }));

const SOURCE = "models/model.gguf";
const put = (shape: ModelShape) => writeFileSync(join(root, SOURCE), modelFile(shape));
const access = () => ({ projectRoot: root, retrySeconds: 0, huggingFace: { endpoint: server.url } });
const look = (source: string, renew = false) => lookUpModel(source, access(), renew);
const lockText = () => readFileSync(join(root, LOCK_FILE), "utf8");
const refused = (work: Promise<unknown>) =>
  work.then(
    () => "nothing was wrong",
    (error: Error) => error.message,
  );

describe("a kept model", () => {
  const extra: ModelShape["extra"] = {
    "attention.head_count_kv": { type: "uint32s", value: [4, 4, 4, 0, 2, 2] },
    "attention.sliding_window": { type: "uint32", value: 1024 },
    "attention.sliding_window_pattern": { type: "bools", value: [true, true, true, false, true, false] },
    expert_count: { type: "uint32", value: 8 },
  };

  test("gives the same facts as its file", async () => {
    for (const shape of [
      { layers: 30 },
      { layers: 6, architecture: "gemma3", extra },
      { layers: 2, hasOutputWeights: true },
    ]) {
      put(shape);
      const read = await readModel(SOURCE, access());
      keepModel(SOURCE, root, read);
      const kept = keptModel(SOURCE, root);
      if (kept === null) throw new Error("it must be kept");
      expect(factsOfModel(kept, SOURCE)).toEqual({ ...factsOfModel(read, SOURCE), file: null });
      expect(isSameModel(kept, read)).toBe(true);
    }
  });

  test("in several files gives the same facts too", async () => {
    for (const [name, bytes] of splitModelFiles({ layers: 5 }, 4)) writeFileSync(join(root, "models", name), bytes);
    const source = "models/model-00001-of-00004.gguf";
    const { facts } = await look(source);
    rmSync(join(root, "models"), { recursive: true });
    const { furtherFiles, ...rest } = facts;
    expect(furtherFiles).toHaveLength(3);
    expect((await look(source)).facts).toEqual({ ...rest, file: null });
  });

  test("takes few lines, also with 126 layers, and names no path of the machine and no time", async () => {
    put({ layers: 126, hasOutputWeights: true });
    await look(SOURCE);
    expect(lockText().split("\n").length).toBeLessThan(60);
    expect(lockText()).not.toContain(root);
    expect(lockText()).toContain('"blk.0-125.attn_q.weight": "Q4_1 576x576"');
    const before = lockText();
    await look(SOURCE, true);
    expect(lockText()).toBe(before);
  });

  test("keeps every tensor and every list of the metadata", () => {
    const tensor = fc.record({
      name: fc.oneof(
        fc
          .tuple(fc.nat(40), fc.constantFrom("ffn_up.weight", "attn_k.bias"))
          .map(([layer, name]) => `blk.${layer}.${name}`),
        fc.constantFrom("token_embd.weight", "output.weight"),
      ),
      shape: fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 4 }),
      dtype: fc.constantFrom(0, 3, 12, 99),
    });
    const tensors = fc.uniqueArray(tensor, { selector: ({ name }) => name });
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    const lists = fc.oneof(fc.array(fc.nat(8)), fc.array(fc.boolean()), fc.array(fc.integer()));
    fc.assert(
      fc.property(tensors, lists, (tensors, list) => {
        expect(unpackTensors(packTensors(tensors)).sort(byName)).toEqual([...tensors].sort(byName));
        const metadata = { "general.architecture": "x", "x.list": list, "x.words": ["a", "b"], "y.other": 1 };
        expect(unpackMetadata(packMetadata(metadata))).toEqual({
          "general.architecture": "x",
          "x.list": list,
          "x.words": new UnreadList(2),
        });
      }),
    );
  });
});

describe("the lock file is named after", () => {
  test.each([
    ["models/./a.gguf", "models/a.gguf"],
    ["hf:o/r/a.gguf", "hf:o/r/a.gguf"],
    ["https://host/a.gguf?signature=secret#x", "https://host/a.gguf"],
    ["/elsewhere/a.gguf", null],
    ["../a.gguf", null],
  ])("%s as %s", (source, key) => expect(lockKey(source, "/project")).toBe(key));

  test("a path within the project, however it is written", () =>
    expect(lockKey("/project/models/a.gguf", "/project")).toBe("models/a.gguf"));
});

describe("a file on this machine", () => {
  test("is kept by the first plan, and then stood in for where it is not there", async () => {
    put({ layers: 4 });
    const first = await look(SOURCE);
    expect(first.note).toBe(`The facts of ${SOURCE} are now kept in ${LOCK_FILE}: commit it.`);
    expect((await look(SOURCE)).note).toBeNull();
    rmSync(join(root, SOURCE));
    const absent = await look(SOURCE);
    expect(absent.facts).toEqual({ ...first.facts, file: null });
    expect(absent.note).toContain("is not on this machine");
    // A cluster can't be created without it.
    expect(await refused(readModelFacts(SOURCE, root))).toContain("There is no model at models/model.gguf");
  });

  test("that has changed is noticed by plans and previews, until it is renewed", async () => {
    put({ layers: 4 });
    await look(SOURCE);
    put({ layers: 5 });
    const { facts, note } = await look(SOURCE);
    expect({ facts, note }).toMatchObject({ facts: { layers: 5, changed: true }, note: null });
    expect(await readModelFacts(SOURCE, root)).toEqual(facts);
    expect((await look(SOURCE, true)).note).toContain(`${SOURCE} has changed since its facts were kept`);
    expect((await look(SOURCE)).facts.changed).toBeUndefined();
    expect((await readModelFacts(SOURCE, root)).changed).toBeUndefined();
  });

  test("that is broken is not stood in for", async () => {
    put({ layers: 4 });
    await look(SOURCE);
    writeFileSync(join(root, SOURCE), "something else");
    expect(await refused(look(SOURCE))).toContain("it does not begin with GGUF");
  });

  test("outside the project is planned with and not kept", async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "elsewhere-"));
    writeFileSync(join(elsewhere, "model.gguf"), modelFile({ layers: 4 }));
    expect((await look(join(elsewhere, "model.gguf"))).note).toBeNull();
    expect(() => lockText()).toThrow("ENOENT");
    rmSync(elsewhere, { recursive: true });
  });
});

describe("a model that is elsewhere", () => {
  const HF = "hf:owner/repo/model.gguf";
  const PATH = "/owner/repo/resolve/main/model.gguf";

  test("is asked for once: later plans and previews need no network", async () => {
    server.files.set(PATH, modelFile({ layers: 4 }));
    expect(await refused(readModelFacts(HF, root))).toBe(
      `${LOCK_FILE} does not hold the facts of ${HF}: run \`npm run plan\` for this stack, which reads them over the network and keeps them there.`,
    );
    const { facts } = await look(HF);
    expect(server.requests).toHaveLength(1);
    expect((await look(HF)).facts).toEqual(facts);
    expect(await readModelFacts(HF, root)).toEqual(facts);
    expect(server.requests).toHaveLength(1);
  });

  test("that has changed is noticed when it is renewed, by its header or by what the server says of it", async () => {
    server.files.set(PATH, modelFile({ layers: 1 }, { withWeights: true }));
    await look(HF);
    expect((await look(HF, true)).note).toContain("is unchanged");
    const other = modelFile({ layers: 1 }, { withWeights: true });
    other.writeUInt8(1, other.length - 1);
    server.files.set(PATH, other);
    expect((await look(HF, true)).note).toContain("has changed since its facts were kept");
    expect((await look(HF, true)).note).toContain("is unchanged");
  });
});

test("a lock file that can't be read is answered with what to do", async () => {
  put({ layers: 4 });
  await look(SOURCE);
  for (const text of ["{", "{}", lockText().replace('"version": 1', '"version": 2')]) {
    writeFileSync(join(root, LOCK_FILE), text);
    expect(await refused(look(SOURCE))).toMatch(/^models\.lock\.json can't be read \(.+\): restore the committed file/);
  }
});
