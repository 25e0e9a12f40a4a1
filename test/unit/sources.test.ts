import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ggufFile } from "../../bench/support/gguf-writer.ts";
import { modelFacts, modelFile, splitModelFiles } from "../../bench/support/models.ts";
import { parseModelSource } from "../../config/model-source.ts";
import { factsOfModel } from "../../plan/model/facts.ts";
import { partNames } from "../../plan/model/shards.ts";
import { type ModelAccess, readModel } from "../../plan/model/sources.ts";
import { type FileServer, fileServer, sendRange } from "../support/file-server.ts";

let server: FileServer;
let directory = "";
let access: ModelAccess;

beforeAll(async () => {
  server = await fileServer();
});
afterAll(() => server.close());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sources-"));
  access = { projectRoot: directory, retrySeconds: 0, huggingFace: { endpoint: server.url } };
  server.files.clear();
  server.requests.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true }));

const factsFrom = async (source: string) => factsOfModel(await readModel(source, access), source);
const refusal = (source: string) =>
  readModel(source, access).then(
    () => "nothing was wrong",
    (error: Error) => error.message,
  );
const shape = { layers: 7, vocabularyTokens: 512 };
/** What does not depend on where the model lies. */
const essence = ({
  source: _,
  file,
  furtherFiles,
  fileName,
  fileBytes,
  weights,
  ...rest
}: ReturnType<typeof modelFacts>) => ({
  ...rest,
  weights: { ...weights, headerBytes: 0 },
});

describe("a model behind HTTP", () => {
  test("has the facts of the same file on this machine", async () => {
    const bytes = modelFile(shape, { withWeights: true });
    server.files.set("/a/model.gguf", bytes);
    const facts = await factsFrom(`${server.url}/a/model.gguf?download=true`);
    expect(essence(facts)).toEqual(essence(modelFacts(shape)));
    expect(facts).toMatchObject({ file: null, fileName: "model.gguf", fileBytes: bytes.length });
  });

  test("is read no further than its header needs, and nothing twice", async () => {
    const weights = Buffer.alloc(40 * 1024 ** 2);
    const tokens = Array.from({ length: 30_000 }, (_, index) => `${index}-${"x".repeat(180)}`);
    const header = ggufFile(
      {
        "general.architecture": { type: "string", value: "llama" },
        "tokenizer.ggml.tokens": { type: "strings", value: tokens },
        "llama.block_count": { type: "uint32", value: 1 },
        "llama.embedding_length": { type: "uint32", value: 64 },
      },
      [],
    );
    server.files.set("/big.gguf", Buffer.concat([header, weights]));
    const before = server.sentBytes();
    expect(await factsFrom(`${server.url}/big.gguf`)).toMatchObject({ vocabularyTokens: 30_000 });
    expect(server.requests.map(({ range }) => range)).toEqual(["bytes=0-4194303", "bytes=4194304-16777215"]);
    expect(server.sentBytes() - before).toBe(16 * 1024 ** 2);
  });

  test("may be behind a redirect", async () => {
    server.files.set("/model.gguf", modelFile(shape));
    server.files.set("/moved.gguf", (_, response) => {
      response.writeHead(302, { location: "/model.gguf" }).end();
    });
    expect(await factsFrom(`${server.url}/moved.gguf`)).toMatchObject({ layers: 7, fileName: "moved.gguf" });
  });

  test("is asked for again when the server is busy for a moment", async () => {
    let busy = 2;
    server.files.set("/model.gguf", (request, response) => {
      if (busy-- > 0) response.writeHead(503).end();
      else sendRange(modelFile(shape), request, response);
    });
    expect(await factsFrom(`${server.url}/model.gguf`)).toMatchObject({ layers: 7 });
  });
});

describe("a model on Hugging Face", () => {
  test("is found by owner, repository, revision and file, and gets the token", async () => {
    server.files.set("/owner/repo-GGUF/resolve/main/model.gguf", modelFile(shape));
    server.files.set("/owner/repo-GGUF/resolve/v1/Q4%200/model.gguf", modelFile(shape));
    access = { ...access, huggingFace: { endpoint: server.url, token: "hf_secret" } };
    expect(await factsFrom("hf:owner/repo-GGUF/model.gguf")).toMatchObject({ layers: 7 });
    expect(await factsFrom("hf:owner/repo-GGUF@v1/Q4 0/model.gguf")).toMatchObject({ layers: 7 });
    expect(server.requests.map(({ authorization }) => authorization)).toEqual(["Bearer hf_secret", "Bearer hf_secret"]);
  });

  test("keeps its token from the host that it redirects to, and from other addresses", async () => {
    const other = await fileServer();
    try {
      other.files.set("/blob.gguf", modelFile(shape));
      server.files.set("/owner/repo/resolve/main/model.gguf", (_, response) => {
        response.writeHead(302, { location: `${other.url}/blob.gguf` }).end();
      });
      access = { ...access, huggingFace: { endpoint: server.url, token: "hf_secret" } };
      expect(await factsFrom("hf:owner/repo/model.gguf")).toMatchObject({ layers: 7 });
      await factsFrom(`${other.url}/blob.gguf`);
      expect(other.requests.map(({ authorization }) => authorization)).toEqual(["", ""]);
    } finally {
      await other.close();
    }
  });

  test("that is gated is answered with what opens it", async () => {
    server.files.set("/owner/gated/resolve/main/model.gguf", (_, response) => {
      response.writeHead(401).end();
    });
    expect(await refusal("hf:owner/gated/model.gguf")).toBe(
      "hf:owner/gated/model.gguf can't be read: the server refuses access (401): check owner and repository; where the model is gated or private, accept its terms there and set HF_TOKEN.",
    );
  });
});

describe("what can't be read over HTTP is answered in one sentence:", () => {
  const at = (answer: Parameters<FileServer["files"]["set"]>[1]) => {
    server.files.set("/model.gguf", answer);
    return refusal(`${server.url}/model.gguf`);
  };

  test("a file that is not there", async () => {
    expect(await refusal(`${server.url}/model.gguf`)).toBe(
      `${server.url}/model.gguf can't be read: there is no such file (404): check the address.`,
    );
  });

  test("a server without ranges", async () => {
    const whole = modelFile(shape, { withWeights: true });
    expect(await at((_, response) => response.writeHead(200).end(whole))).toContain(
      "the server sends whole files only, no ranges: download the file and give its path.",
    );
  });

  test("a server that sends other bytes than it was asked for", async () => {
    const answer = at((_, response) => response.writeHead(206, { "content-range": "bytes 5-9/100" }).end("xxxxx"));
    expect(await answer).toContain("the server does not say which bytes it sent (Content-Range: bytes 5-9/100)");
  });

  test("a web page", async () => {
    expect(await at(Buffer.from("<!doctype html><title>Sign in</title>"))).toContain(
      "can't be read as a GGUF file (it does not begin with GGUF): check the address",
    );
  });

  test("an empty file", async () => expect(await at(Buffer.alloc(0))).toContain("it is empty: check the address."));

  test("a file that was cut off within its header", async () => {
    expect(await at(modelFile(shape).subarray(0, 900))).toContain("it ends within its header");
  });

  test("an answer that is cut off each time", async () => {
    const told = at((_, response) => {
      response.writeHead(206, { "content-range": "bytes 0-99/1000", "content-length": 100 });
      response.write("GGUF");
      setTimeout(() => response.destroy(), 5);
    });
    expect(await told).toMatch(/can't be read: .+ \(3 attempts\): check the address and the network\.$/);
  });

  test("a file that changes while it is read", async () => {
    const tokens = Array.from({ length: 50_000 }, () => "x".repeat(120));
    const file = () =>
      ggufFile(
        {
          "general.name": { type: "string", value: `${Math.random()}` },
          "tokenizer.ggml.tokens": { type: "strings", value: tokens },
        },
        [],
      );
    expect(await at((request, response) => sendRange(file(), request, response))).toContain(
      "it changed while it was read: run the command again.",
    );
  });

  test("a server that is not there", async () => {
    expect(await refusal("http://127.0.0.1:9/model.gguf")).toMatch(
      /can't be read: .+ \(3 attempts\): check the address/,
    );
  });
});

describe("a model in several files", () => {
  test("has the facts of the whole, on this machine and behind HTTP", async () => {
    const parts = splitModelFiles(shape, 3);
    for (const [name, bytes] of parts) {
      writeFileSync(join(directory, name), bytes);
      server.files.set(`/${name}`, bytes);
    }
    const first = "model-00001-of-00003.gguf";
    const local = await factsFrom(first);
    expect(essence(local)).toEqual(essence(modelFacts(shape)));
    expect(local.fileBytes).toBe([...parts.values()].reduce((sum, { length }) => sum + length, 0));
    expect(local).toMatchObject({
      file: join(directory, first),
      fileName: first,
      furtherFiles: [2, 3].map((number) => join(directory, `model-0000${number}-of-00003.gguf`)),
    });
    const remote = await factsFrom(`${server.url}/${first}`);
    expect(essence(remote)).toEqual(essence(local));
    expect(remote).toMatchObject({ file: null, fileBytes: local.fileBytes });
    expect(remote.furtherFiles).toBeUndefined();
  });

  test("is named by its first part", async () => {
    expect(await refusal("model-00002-of-00003.gguf")).toBe(
      "model-00002-of-00003.gguf is part 2 of a model: name the first part, model-00001-of-00003.gguf.",
    );
  });

  test.each([
    [
      "one part is not there",
      (parts: Map<string, Buffer>) => parts.delete("model-00002-of-00003.gguf"),
      "There is no model at model-00002-of-00003.gguf",
    ],
    [
      "one part is of another model",
      (parts: Map<string, Buffer>) => parts.set("model-00002-of-00003.gguf", modelFile({ layers: 1 })),
      "its part 2 calls itself part 1 of 1",
    ],
    [
      "two parts are swapped",
      (parts: Map<string, Buffer>) =>
        parts.set("model-00002-of-00003.gguf", parts.get("model-00003-of-00003.gguf") ?? Buffer.alloc(0)),
      "its part 2 calls itself part 3 of 3",
    ],
    [
      "one part is of a model with fewer tensors",
      (parts: Map<string, Buffer>) =>
        parts.set(
          "model-00002-of-00003.gguf",
          splitModelFiles({ ...shape, layers: 3 }, 3).get("model-00002-of-00003.gguf") ?? Buffer.alloc(0),
        ),
      "they do not belong together",
    ],
  ])("is refused if %s", async (_, spoil, told) => {
    const parts = splitModelFiles(shape, 3);
    spoil(parts);
    for (const [name, bytes] of parts) writeFileSync(join(directory, name), bytes);
    expect(await refusal("model-00001-of-00003.gguf")).toContain(told);
  });

  test("is refused under another name, with what to do", async () => {
    const [first = Buffer.alloc(0)] = splitModelFiles(shape, 3).values();
    writeFileSync(join(directory, "model.gguf"), first);
    expect(await refusal("model.gguf")).toContain("it is one of 3 parts and not named like one");
  });

  test("has parts with numbers of five digits", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(), (count, seed) => {
        const names = partNames(`x-00001-of-${String(count).padStart(5, "0")}.gguf`)?.names ?? [];
        expect(names).toHaveLength(count);
        const index = seed % count;
        expect(partNames(names[index] ?? "")).toEqual({ names, number: index + 1 });
      }),
    );
    expect(partNames("x-00001-of-00000.gguf")).toBeNull();
    expect(partNames("x.gguf")).toBeNull();
  });
});

describe("the source of a model", () => {
  test("is told without its password", async () => {
    expect(await refusal("https://me:secret@host/a.gguf")).toMatch(
      /^https:\/\/…@host\/a\.gguf is not a source of a model/,
    );
  });

  test.each([
    ["models/a.gguf", { kind: "file", path: "models/a.gguf" }],
    ["https://host/a.gguf?x=y", { kind: "http", url: "https://host/a.gguf?x=y" }],
    ["hf:o/r/sub/a.gguf", { kind: "hugging-face", owner: "o", repository: "r", revision: "main", file: "sub/a.gguf" }],
    ["hf:o/r@abc/a.gguf", { kind: "hugging-face", owner: "o", repository: "r", revision: "abc", file: "a.gguf" }],
    ["s3://my.bucket/a.gguf", { kind: "s3", bucket: "my.bucket", key: "a.gguf" }],
    ["s3://bucket/sub/a b?.gguf", { kind: "s3", bucket: "bucket", key: "sub/a b?.gguf" }],
    ["s3://bucket/", null],
    ["s3://bucket/a.bin", null],
    ["s3://Bucket/a.gguf", null],
    ["s3:bucket/a.gguf", null],
    ["hf:o/a.gguf", null],
    ["https://host/a.bin", null],
    ["https://user:word@host/a.gguf", null],
    ["ftp://host/a.gguf", null],
    ["a.safetensors", null],
  ])("%s is understood", (text, expected) => expect(parseModelSource(text)).toEqual(expected));
});
