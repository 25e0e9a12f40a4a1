import { createHash, randomBytes } from "node:crypto";
import { CodeBuildClient, CreateProjectCommand } from "@aws-sdk/client-codebuild";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { importBuildspec, importModel } from "../../aws/transfer/import.ts";
import type { RemoteFile } from "../../aws/transfer/model-files.ts";
import { type AwsDouble, noDouble, startDouble } from "../support/aws-double/server.ts";
import { type FileServer, fileServer, sendRange } from "../support/file-server.ts";
import { ensureAwsTestTools } from "../support/test-tools.ts";
import { type FrontOfDouble, frontOfDouble } from "./support/front-of-double.ts";
import { CHUNK_BYTES, RealBuilds, runImport, type ScriptTools } from "./support/import-program.ts";

const REGION = "us-east-1";
const PROJECT = "model-import";
/** Several chunks and a bit. */
const CONTENT = randomBytes(5 * CHUNK_BYTES + 321);
const SHA256 = createHash("sha256").update(CONTENT).digest("hex");

let double: AwsDouble | null = null;
let reason: string | null = null;
let tools: ScriptTools;
let front: FrontOfDouble;
let source: FileServer;
let s3: S3Client;
let bucket: string;

beforeAll(async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  const { python, aws, reasons } = await ensureAwsTestTools(process.cwd());
  reason = (await noDouble(python ?? undefined)) ?? (aws === null ? (reasons.aws ?? "no aws command line") : null);
  if (reason !== null || aws === null) return;
  double = await startDouble(python ?? undefined);
  tools = { aws, endpoint: double.endpoint };
  front = await frontOfDouble(double.endpoint);
  source = await fileServer();
  s3 = new S3Client({ region: REGION, endpoint: double.endpoint, forcePathStyle: true });
  const codebuild = new CodeBuildClient({ region: REGION, endpoint: double.endpoint });
  await codebuild.send(
    new CreateProjectCommand({
      name: PROJECT,
      source: { type: "NO_SOURCE", buildspec: importBuildspec() },
      artifacts: { type: "NO_ARTIFACTS" },
      environment: { type: "ARM_CONTAINER", image: "image", computeType: "BUILD_GENERAL1_SMALL" },
      serviceRole: "arn:aws:iam::123456789012:role/model-import",
    }),
  );
  codebuild.destroy();
});

afterAll(async () => {
  vi.unstubAllEnvs();
  if (double === null) return;
  s3.destroy();
  await front.close();
  await source.close();
  await double.stop();
});

beforeEach(async (context) => {
  if (reason !== null) return context.skip(reason);
  source.files.clear();
  source.requests.length = 0;
  bucket = `models-${randomBytes(4).toString("hex")}`;
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
});

/** What the script is told to import a file of the server. */
const asked = (more: Record<string, string> = {}) => ({
  MODEL_SOURCE: `${source.url}/m.gguf?signature=s3cret`,
  MODEL_BUCKET: bucket,
  MODEL_KEY: "models/m.gguf",
  MODEL_BYTES: String(CONTENT.length),
  MODEL_IDENTITY: "tag:1",
  ...more,
});

async function keys(): Promise<string[]> {
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return [...(Contents ?? []).map(({ Key }) => Key ?? ""), ...(Uploads ?? []).map(({ Key }) => `upload of ${Key}`)];
}

async function assertImported(key = "models/m.gguf"): Promise<void> {
  const { Body, Metadata } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const content = Buffer.from((await Body?.transformToByteArray()) ?? "");
  expect(createHash("sha256").update(content).digest("hex")).toBe(SHA256);
  expect(Metadata?.["sha256"]).toBe(SHA256);
}

test("the script brings a file chunk by chunk, over broken connections, and keeps its SHA-256 with it", async () => {
  let broken = 0;
  source.files.set("/m.gguf", (request, response) => {
    // Every third request dies half-way.
    if (request.method === "GET" && source.requests.length % 3 === 0) {
      broken++;
      response.writeHead(206, { "content-length": String(CHUNK_BYTES), "content-range": "bytes 0-1/2" });
      response.write(CONTENT.subarray(0, 100), () => response.destroy());
      return;
    }
    sendRange(CONTENT, request, response);
  });
  const { exitCode, lines } = await runImport(tools, asked({ MODEL_SHA256: SHA256 }));
  expect(lines.at(-1)).toBe(`llama-rpc-cluster: done, SHA-256 ${SHA256}`);
  expect(exitCode).toBe(0);
  expect(broken).toBeGreaterThan(0);
  await assertImported();
  expect(await keys(), "nothing else is left").toEqual(["models/m.gguf"]);
  expect(lines.join("\n"), "the signature of an address is nobody's business").not.toContain("s3cret");
  const whole = `llama-rpc-cluster: progress ${CONTENT.length} of ${CONTENT.length} bytes`;
  expect(lines).toContain(whole);
});

test("a file with another SHA-256 never gets its name in the bucket", async () => {
  source.files.set("/m.gguf", CONTENT);
  const wrong = "0".repeat(64);
  const { exitCode, lines } = await runImport(tools, asked({ MODEL_SHA256: wrong }));
  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toBe(
    `llama-rpc-cluster: failed: ${source.url}/m.gguf has the SHA-256 ${SHA256} instead of ${wrong}: it was changed or damaged; run \`npm run plan\` again if it was changed`,
  );
  expect(await keys()).toEqual([]);
});

test("what Hugging Face says of a large file is what it must be, and the token goes to Hugging Face alone", async () => {
  const elsewhere = source.url.replace("127.0.0.1", "localhost");
  const answerWith = (sha256: string) =>
    source.files.set("/o/r/resolve/main/m.gguf", (_, response) => {
      response.writeHead(302, { location: `${elsewhere}/cdn/m.gguf`, "x-linked-etag": `"${sha256}"` }).end();
    });
  source.files.set("/cdn/m.gguf", CONTENT);
  const hub = asked({
    MODEL_SOURCE: `${source.url}/o/r/resolve/main/m.gguf`,
    MODEL_TOKEN: "yes",
    HF_TOKEN: "hf_t0ken",
  });
  answerWith("f".repeat(64));
  const refused = await runImport(tools, hub);
  expect(refused.lines.at(-1)).toMatch(/has the SHA-256 [0-9a-f]{64} instead of f{64}/);
  expect(await keys()).toEqual([]);

  answerWith(SHA256);
  const { exitCode, lines } = await runImport(tools, hub);
  expect(exitCode, lines.join("\n")).toBe(0);
  await assertImported();
  expect(lines.join("\n")).not.toContain("hf_t0ken");
  const tokens = (path: string) => new Set(source.requests.filter((r) => r.path === path).map((r) => r.authorization));
  expect(tokens("/o/r/resolve/main/m.gguf")).toEqual(new Set(["Bearer hf_t0ken"]));
  expect(tokens("/cdn/m.gguf")).toEqual(new Set([""]));
});

test("a tag of Hugging Face counts where the server itself says nothing", async () => {
  source.files.set("/m.gguf", CONTENT);
  expect((await runImport(tools, asked({ MODEL_TAG: "a".repeat(64) }))).lines.at(-1)).toContain(
    `instead of ${"a".repeat(64)}`,
  );
  expect((await runImport(tools, asked({ MODEL_TAG: SHA256 }))).exitCode).toBe(0);
});

test.each([
  ["is gone", 404, "there is no such file (404): check the source"],
  ["is not for everybody", 403, "the server refuses access (403): if the model is gated or private"],
  ["comes from a server that is out of order", 500, "the server answers 500"],
])("a source that %s ends the build with one line, and leaves nothing", async (_, status, reason) => {
  source.files.set("/m.gguf", (_, response) => {
    response.writeHead(status).end();
  });
  const { exitCode, lines } = await runImport(tools, asked());
  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toContain(`llama-rpc-cluster: failed: ${source.url}/m.gguf can't be fetched: ${reason}`);
  expect(await keys()).toEqual([]);
});

test("a server without ranges is not asked for the whole file again and again", async () => {
  source.files.set("/m.gguf", (_, response) => {
    response.writeHead(200, { "content-length": String(CONTENT.length) }).end(CONTENT);
  });
  const { lines } = await runImport(tools, asked());
  expect(lines.at(-1)).toContain("the server sends whole files only, no ranges");
  expect(await keys()).toEqual([]);
});

test("a bucket that refuses is named, not the source", async () => {
  source.files.set("/m.gguf", CONTENT);
  const { exitCode, lines } = await runImport(tools, asked({ MODEL_BUCKET: "no-such-bucket-here" }));
  expect(exitCode).not.toBe(0);
  const failed = lines.filter((line) => line.startsWith("llama-rpc-cluster: failed:"));
  expect(failed).toHaveLength(1);
  expect(failed[0]).toContain("the bucket no-such-bucket-here does not accept");
});

test("a file of another bucket is copied within S3 and verified too", async () => {
  await s3.send(new CreateBucketCommand({ Bucket: `${bucket}-other` }));
  await s3.send(new PutObjectCommand({ Bucket: `${bucket}-other`, Key: "a/m.gguf", Body: CONTENT }));
  const from = { MODEL_SOURCE: `s3://${bucket}-other/a/m.gguf` };
  const refused = await runImport(tools, asked({ ...from, MODEL_SHA256: "1".repeat(64) }));
  expect(refused.lines.at(-1)).toContain(`instead of ${"1".repeat(64)}`);
  expect(await keys()).toEqual([]);
  const { exitCode, lines } = await runImport(tools, asked({ ...from, MODEL_SHA256: SHA256 }));
  expect(exitCode, lines.join("\n")).toBe(0);
  await assertImported();
  expect(await keys()).toEqual(["models/m.gguf"]);
  const gone = await runImport(tools, asked({ MODEL_SOURCE: `s3://${bucket}-other/none.gguf` }));
  expect(gone.lines.at(-1)).toMatch(/failed: s3:\/\/.*none\.gguf can't be copied: .*404/);
});

const remote = (name: string, sha256: string | null = null): RemoteFile => ({
  key: `models/${name}`,
  bytes: CONTENT.length,
  place: { kind: "remote", source: `hf:o/r/${name}`, sha256, tag: null },
  identity: `tag:${name}`,
});

const imported = (files: RemoteFile[], more: Partial<Parameters<typeof importModel>[0]> = {}) =>
  importModel({
    connection: { region: REGION, endpoint: front.endpoint },
    project: PROJECT,
    bucket,
    files,
    huggingFaceEndpoint: source.url,
    pollSeconds: 1,
    ...more,
  });

test("a split model is imported by a build for each part, followed to its end, and not again", async () => {
  const names = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"];
  for (const name of names) source.files.set(`/o/r/resolve/main/${name}`, CONTENT);
  const builds = new RealBuilds(front, tools);
  try {
    const told: number[] = [];
    const files = names.map((name) => remote(name, SHA256));
    expect(await imported(files, { onProgress: ({ bytesDone }) => told.push(bytesDone) })).toEqual({
      transferred: 2,
      alreadyPresent: 0,
    });
    expect(builds.count).toBe(2);
    expect(told.at(-1)).toBe(2 * CONTENT.length);
    for (const name of names) await assertImported(`models/${name}`);
    expect(await imported(files)).toEqual({ transferred: 0, alreadyPresent: 2 });
    expect(builds.count).toBe(2);
  } finally {
    await builds.close();
  }
});

test("a build that fails is told with the reason that it gave and where its log is", async () => {
  source.files.set("/o/r/resolve/main/m.gguf", CONTENT);
  const builds = new RealBuilds(front, tools);
  try {
    await expect(imported([remote("m.gguf", "2".repeat(64))])).rejects.toThrow(
      /^hf:o\/r\/m\.gguf was not imported: http.* has the SHA-256 [0-9a-f]{64} instead of 2{64}: it was changed or damaged; .* Its log is in \/llama-rpc-cluster\/test\/model-import, /,
    );
    expect(await keys()).toEqual([]);
  } finally {
    await builds.close();
  }
});

test("a build that an earlier run began is followed, not begun again", async () => {
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  source.files.set("/o/r/resolve/main/m.gguf", (request, response) => {
    void held.then(() => sendRange(CONTENT, request, response));
  });
  const builds = new RealBuilds(front, tools);
  try {
    const first = imported([remote("m.gguf")]);
    await vi.waitFor(() => expect(builds.count).toBe(1), 20_000);
    const second = imported([remote("m.gguf")]);
    release();
    expect([await first, await second]).toEqual([
      { transferred: 1, alreadyPresent: 0 },
      { transferred: 1, alreadyPresent: 0 },
    ]);
    expect(builds.count).toBe(1);
  } finally {
    release();
    await builds.close();
  }
});

test("a project that is not there is told with its name", async () => {
  await expect(imported([remote("m.gguf")], { project: "no-such-project" })).rejects.toThrow(
    /^The model can't be imported: AWS answers 400 \(ResourceNotFoundException: .*no-such-project/,
  );
});
