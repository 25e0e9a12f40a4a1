import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { ggufFile } from "../../bench/support/gguf-writer.ts";
import { modelFacts, modelFile, splitModelFiles } from "../../bench/support/models.ts";
import { factsOfModel } from "../../plan/model/facts.ts";
import { LOCK_FILE } from "../../plan/model/lock.ts";
import { lookUpModel } from "../../plan/model/look-up.ts";
import { type ModelAccess, readModel } from "../../plan/model/sources.ts";
import { type FileServer, fileServer, sendRange } from "../support/file-server.ts";

let server: FileServer;
let directory = "";
let access: ModelAccess;
const shape = { layers: 7, vocabularyTokens: 512 };

beforeAll(async () => {
  server = await fileServer();
});
afterAll(() => server.close());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "s3-source-"));
  access = { projectRoot: directory, retrySeconds: 0, s3: { endpoint: server.url, timeoutSeconds: 5 } };
  server.files.clear();
  server.requests.length = 0;
  signIn();
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

/** Credentials and region as a user has them, and nothing of this machine's own. */
function signIn(environment: Record<string, string | undefined> = {}): void {
  const all: Record<string, string | undefined> = {
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_SESSION_TOKEN: undefined,
    AWS_REGION: "eu-west-1",
    AWS_DEFAULT_REGION: undefined,
    AWS_PROFILE: undefined,
    AWS_CONFIG_FILE: join(directory, "none"),
    AWS_SHARED_CREDENTIALS_FILE: join(directory, "none"),
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: undefined,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: undefined,
    ...environment,
  };
  for (const [name, value] of Object.entries(all)) vi.stubEnv(name, value);
}

const error = (response: ServerResponse, status: number, code: string, headers: Record<string, string> = {}) =>
  response
    .writeHead(status, { "content-type": "application/xml", ...headers })
    .end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>told by the server</Message></Error>`);

/** An object that, like S3's, is given only to a signed request for a range. */
const object =
  (bytes: Buffer, region = "eu-west-1") =>
  (request: IncomingMessage, response: ServerResponse): void => {
    const { authorization = "" } = request.headers;
    const signed = /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/([\w-]+)\/s3\/aws4_request, /.exec(authorization);
    if (signed === null) error(response, 403, "AccessDenied");
    else if (signed[1] !== region) error(response, 301, "PermanentRedirect", { "x-amz-bucket-region": region });
    else sendRange(bytes, request, response);
  };

const factsFrom = async (source: string) => factsOfModel(await readModel(source, access), source);
const refusal = (source = "s3://models/model.gguf") =>
  readModel(source, access).then(
    () => "nothing was wrong",
    ({ message }: Error) => message,
  );

describe("a model in S3", () => {
  test("has the facts of the same file on this machine, and its ETag", async () => {
    const bytes = modelFile(shape, { withWeights: true });
    server.files.set("/models/sub/model.gguf", object(bytes));
    const facts = await factsFrom("s3://models/sub/model.gguf");
    const source = { source: "s3://models/sub/model.gguf", file: null, fileName: "model.gguf" };
    const local = modelFacts(shape);
    expect(facts).toEqual({
      ...local,
      ...source,
      fileBytes: bytes.length,
      weights: { ...local.weights, headerBytes: facts.weights.headerBytes },
    });
    const { parts } = await readModel("s3://models/sub/model.gguf", access);
    expect(parts).toMatchObject([{ file: null, fileName: "model.gguf", bytes: bytes.length }]);
    expect(parts[0]?.tag).toMatch(/^"[0-9a-f]{16}"$/);
  });

  test("is asked for by ranges, no further than its header needs", async () => {
    server.files.set("/models/model.gguf", object(Buffer.concat([modelFile(shape), Buffer.alloc(8 * 1024 ** 2)])));
    await factsFrom("s3://models/model.gguf");
    expect(server.requests.map(({ path, range }) => `${path} ${range}`)).toEqual([
      "/models/model.gguf bytes=0-4194303",
    ]);
  });

  test("may have a key that an address would spell otherwise", async () => {
    server.files.set("/models/a%20b%3Fc%2Bd.gguf", object(modelFile(shape)));
    expect(await factsFrom("s3://models/a b?c+d.gguf")).toMatchObject({ fileName: "a b?c+d.gguf", layers: 7 });
  });

  test("may be in another region than the one that is configured, or where none is", async () => {
    server.files.set("/models/model.gguf", object(modelFile(shape), "ap-south-1"));
    expect(await factsFrom("s3://models/model.gguf")).toMatchObject({ layers: 7 });
    signIn({ AWS_REGION: undefined });
    expect(await factsFrom("s3://models/model.gguf")).toMatchObject({ layers: 7 });
    const regions = server.requests.map(({ authorization }) => authorization.split("/")[2]);
    expect(regions).toEqual(["eu-west-1", "ap-south-1", "us-east-1", "ap-south-1"]);
  });

  test("may be in several files", async () => {
    const parts = splitModelFiles(shape, 3);
    for (const [name, bytes] of parts) server.files.set(`/models/sub/${name}`, object(bytes));
    const facts = await factsFrom("s3://models/sub/model-00001-of-00003.gguf");
    expect(facts).toMatchObject({ layers: 7, file: null, fileName: "model-00001-of-00003.gguf" });
    expect(facts.fileBytes).toBe([...parts.values()].reduce((sum, { length }) => sum + length, 0));
    server.files.delete("/models/sub/model-00002-of-00003.gguf");
    server.files.set("/models/sub/model-00002-of-00003.gguf", (_, response) => error(response, 404, "NoSuchKey"));
    expect(await refusal("s3://models/sub/model-00001-of-00003.gguf")).toBe(
      "s3://models/sub/model-00001-of-00003.gguf, part model-00002-of-00003.gguf, can't be read: the bucket models holds no sub/model-00002-of-00003.gguf: check the key.",
    );
  });

  test("is kept in the lock file, and asked about again only to renew", async () => {
    server.files.set("/models/model.gguf", object(modelFile(shape)));
    const first = await lookUpModel("s3://models/model.gguf", access, false);
    expect(first.note).toContain("are now kept in models.lock.json");
    expect(Object.keys(JSON.parse(readFileSync(join(directory, LOCK_FILE), "utf8")).models)).toEqual([
      "s3://models/model.gguf",
    ]);
    server.requests.length = 0;
    expect((await lookUpModel("s3://models/model.gguf", access, false)).facts).toEqual(first.facts);
    expect(server.requests).toEqual([]);
    server.files.set("/models/model.gguf", object(Buffer.concat([modelFile(shape), Buffer.alloc(1)])));
    expect((await lookUpModel("s3://models/model.gguf", access, true)).note).toContain("has changed");
  });

  test("is asked for again when the server is busy or cuts an answer off", async () => {
    const answers = [
      (_: IncomingMessage, response: ServerResponse) => error(response, 503, "SlowDown"),
      (_: IncomingMessage, response: ServerResponse) => {
        response.writeHead(206, { "content-range": "bytes 0-99/1000", "content-length": 100 });
        response.write("GGUF");
        setTimeout(() => response.destroy(), 5);
      },
    ];
    server.files.set("/models/model.gguf", (request, response) => {
      (answers.shift() ?? object(modelFile(shape)))(request, response);
    });
    expect(await factsFrom("s3://models/model.gguf")).toMatchObject({ layers: 7 });
    expect(answers).toEqual([]);
  });
});

describe("what can't be read in S3 is answered in one sentence:", () => {
  test.each([
    [403, "AccessDenied", "S3 denies access (AccessDenied): the credentials need s3:GetObject on it;"],
    [403, "InvalidAccessKeyId", "S3 does not accept the AWS credentials (InvalidAccessKeyId): run `aws sso login`"],
    [400, "ExpiredToken", "S3 does not accept the AWS credentials (ExpiredToken): run `aws sso login`"],
    [403, "InvalidObjectState", "it is archived: restore it"],
    [404, "NoSuchBucket", "there is no bucket models: check its name."],
    [404, "NoSuchKey", "the bucket models holds no model.gguf: check the key."],
    [409, "Strange", "S3 answers 409 (Strange: told by the server): check bucket, key and AWS_REGION."],
  ])("%i %s", async (status, code, told) => {
    server.files.set("/models/model.gguf", (_, response) => error(response, status, code));
    expect(await refusal()).toContain(`s3://models/model.gguf can't be read: ${told}`);
    expect(server.requests).toHaveLength(1);
  });

  test("no credentials", async () => {
    signIn({ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined });
    expect(await refusal()).toMatch(
      /^s3:\/\/models\/model\.gguf can't be read: there are no AWS credentials \(.+\): run `aws sso login`, or set /,
    );
    expect(server.requests).toEqual([]);
  });

  test("an empty file", async () => {
    server.files.set("/models/model.gguf", object(Buffer.alloc(0)));
    expect(await refusal()).toContain("it is empty: check the key.");
  });

  test("a file that changes while it is read", async () => {
    const tokens = Array.from({ length: 50_000 }, () => "x".repeat(120));
    const bytes = () =>
      ggufFile(
        {
          "general.name": { type: "string", value: `${Math.random()}` },
          "tokenizer.ggml.tokens": { type: "strings", value: tokens },
        },
        [],
      );
    server.files.set("/models/model.gguf", (request, response) => object(bytes())(request, response));
    expect(await refusal()).toContain("it changed while it was read: run the command again.");
  });

  test("a server that is not there, and one that never answers", async () => {
    access = { ...access, s3: { endpoint: "http://127.0.0.1:9" } };
    expect(await refusal()).toMatch(
      /S3 can't be reached \(.*ECONNREFUSED.*\): check the network, and AWS_ENDPOINT_URL_S3/,
    );
    access = { ...access, s3: { endpoint: server.url, timeoutSeconds: 0.2 } };
    server.files.set("/models/model.gguf", () => undefined);
    expect(await refusal()).toContain("S3 can't be reached (");
  });
});
