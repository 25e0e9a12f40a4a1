import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from "@aws-sdk/client-s3";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { fingerprint, type LocalFile } from "../../aws/transfer/model-files.ts";
import { partBytesFor } from "../../aws/transfer/multipart.ts";
import { uploadModel } from "../../aws/transfer/upload.ts";
import { type AwsDouble, noDouble, startDouble } from "../support/aws-double/server.ts";
import { ensureAwsTestTools } from "../support/test-tools.ts";
import { type FrontOfDouble, frontOfDouble, isPart } from "./support/front-of-double.ts";

/** The double is told to take parts as small as this. */
const PART = 256 * 1024;
const REGION = "us-east-1";

let double: AwsDouble | null = null;
let reason: string | null = null;
let front: FrontOfDouble;
let folder: string;
let bucket: string;
let s3: S3Client;

beforeAll(async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  vi.stubEnv("S3_UPLOAD_PART_MIN_SIZE", String(PART));
  const { python } = await ensureAwsTestTools(process.cwd());
  reason = await noDouble(python ?? undefined);
  if (reason !== null) return;
  double = await startDouble(python ?? undefined);
  front = await frontOfDouble(double.endpoint);
  folder = await mkdtemp(join(tmpdir(), "llama-rpc-upload-"));
  s3 = new S3Client({ region: REGION, endpoint: double.endpoint, forcePathStyle: true });
});

afterAll(async () => {
  vi.unstubAllEnvs();
  if (double === null) return;
  s3.destroy();
  await front.close();
  await double.stop();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async (context) => {
  if (reason !== null) return context.skip(reason);
  front.intervene = () => undefined;
  front.seen = [];
  bucket = `models-${randomBytes(4).toString("hex")}`;
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
});

async function modelFile(name: string, content: Buffer): Promise<LocalFile> {
  const path = join(folder, name);
  await writeFile(path, content);
  const bytes = content.length;
  return { key: `models/${name}`, bytes, place: { kind: "local", path }, identity: await fingerprint(path, bytes) };
}

const upload = (files: LocalFile[], more: Partial<Parameters<typeof uploadModel>[0]> = {}) =>
  uploadModel({ connection: { region: REGION, endpoint: front.endpoint }, bucket, files, partBytes: PART, ...more });

const partsSent = () => front.seen.filter(isPart).length;

async function sha256InBucket(key: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return createHash("sha256")
    .update((await Body?.transformToByteArray()) ?? "")
    .digest("hex");
}

const sha256Of = (content: Buffer) => createHash("sha256").update(content).digest("hex");

test("a model gets into the bucket in parts, with its progress told, and is not sent twice", async () => {
  const content = randomBytes(3 * PART + 1234);
  const file = await modelFile("whole.gguf", content);
  const progress: number[] = [];
  expect(await upload([file], { onProgress: ({ bytesDone }) => progress.push(bytesDone) })).toEqual({
    transferred: 1,
    alreadyPresent: 0,
  });
  expect(await sha256InBucket(file.key)).toBe(sha256Of(content));
  expect(partsSent()).toBe(4);
  expect(progress.at(-1)).toBe(content.length);
  expect(progress).toEqual([...progress].sort((a, b) => a - b));

  front.seen = [];
  expect(await upload([file])).toEqual({ transferred: 0, alreadyPresent: 1 });
  expect(front.seen.map(({ method }) => method)).toEqual(["HEAD"]);
});

test("a split model's parts are sent one after the other, and only those that are missing", async () => {
  const names = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"];
  const files = await Promise.all(names.map((name) => modelFile(name, randomBytes(PART + 7))));
  const [first] = files;
  if (first === undefined) throw new Error("no file");
  await upload([first]);
  const totals: number[] = [];
  expect(await upload(files, { onProgress: ({ bytesTotal }) => totals.push(bytesTotal) })).toEqual({
    transferred: 1,
    alreadyPresent: 1,
  });
  expect(new Set(totals)).toEqual(new Set([2 * (PART + 7)]));
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  expect(Contents?.map(({ Key }) => Key)).toEqual(names.map((name) => `models/${name}`));
});

test("an upload whose process was killed is gone on with: the next one sends only the rest", async () => {
  const content = randomBytes(12 * PART - 99);
  const file = await modelFile("killed.gguf", content);
  let arrived = 0;
  let reached: () => void = () => {};
  const enough = new Promise<void>((resolve) => {
    reached = resolve;
  });
  // Four parts get through; those after them are never answered.
  front.intervene = (seen) => {
    if (!isPart(seen)) return undefined;
    arrived++;
    if (arrived <= 4) return undefined;
    reached();
    return "handled";
  };
  const program = join(import.meta.dirname, "support/upload-program.ts");
  const child = execa(process.execPath, [program, front.endpoint, bucket, file.place.path, file.key, String(PART)], {
    reject: false,
  });
  const early = await Promise.race([enough, child]);
  expect(early?.stderr, "the upload ended before it could be killed").toBeUndefined();
  await vi.waitFor(() => expect(partsSent()).toBe(4), 10_000);
  child.kill("SIGKILL");
  expect((await child).signal).toBe("SIGKILL");

  front.intervene = () => undefined;
  front.seen = [];
  const told: number[] = [];
  await upload([file], { onProgress: ({ bytesDone }) => told.push(bytesDone) });
  expect(partsSent()).toBe(12 - 4);
  expect(await sha256InBucket(file.key)).toBe(sha256Of(content));
  const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  expect(Uploads ?? [], "no half upload is left to be paid for").toEqual([]);
});

test("an upload that was begun with another content is given up, not mixed with the new one", async () => {
  const old = await modelFile("changed.gguf", randomBytes(4 * PART));
  const stop = new AbortController();
  const stopped = upload([old], {
    signal: stop.signal,
    onProgress: ({ bytesDone }) => bytesDone >= 2 * PART && stop.abort(),
  });
  await expect(stopped).rejects.toThrow(/The upload of changed\.gguf was stopped after .* `pulumi up` resumes it\./);
  const content = randomBytes(4 * PART);
  const file = await modelFile("changed.gguf", content);
  front.seen = [];
  await upload([file]);
  expect(partsSent()).toBe(4);
  expect(await sha256InBucket(file.key)).toBe(sha256Of(content));
});

test("a file that has another size than planned, or is gone, is not uploaded", async () => {
  const file = await modelFile("short.gguf", randomBytes(1000));
  await expect(upload([{ ...file, bytes: 2000 }])).rejects.toThrow(
    /short\.gguf has 1000 bytes, but the plan counted 2000: wait until it is complete, then run `pulumi up` again\.$/,
  );
  await rm(file.place.path);
  await expect(upload([file])).rejects.toThrow(/short\.gguf does not exist any more: put it back/);
});

test("what S3 refuses is told in one sentence with its remedy", async () => {
  const file = await modelFile("refused.gguf", randomBytes(1000));
  const refuse = (status: number, code: string) => {
    front.intervene = (_, response) => {
      response
        .writeHead(status, { "content-type": "application/xml" })
        .end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`);
      return "handled";
    };
  };
  // A HEAD has no body, so the first answer with a reason is the one to the listing.
  refuse(403, "InvalidAccessKeyId");
  await expect(upload([file])).rejects.toThrow(
    /^refused\.gguf can't be uploaded to the bucket models-\w+: S3 refuses access \(/,
  );
  front.intervene = (seen, response) => {
    if (seen.method !== "POST") return undefined;
    response
      .writeHead(403, { "content-type": "application/xml" })
      .end(`<?xml version="1.0"?><Error><Code>ExpiredToken</Code><Message>no</Message></Error>`);
    return "handled";
  };
  await expect(upload([file])).rejects.toThrow(
    /S3 does not accept the credentials \(ExpiredToken: .*\): run `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\.$/,
  );
  front.intervene = () => undefined;
  await expect(upload([file], { bucket: "no-such-bucket-here" })).rejects.toThrow(
    "the bucket no-such-bucket-here does not exist: run `pulumi refresh`, then `pulumi up`.",
  );
});

test("without credentials the message says how to get some", async () => {
  const file = await modelFile("nobody.gguf", randomBytes(1000));
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"]) vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_CONFIG_FILE", join(folder, "none"));
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(folder, "none"));
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  try {
    await expect(upload([file])).rejects.toThrow(/there are no AWS credentials .*: run `aws sso login`/);
  } finally {
    vi.unstubAllEnvs();
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  }
});

test("the object says which file it was made from", async () => {
  const file = await modelFile("named.gguf", randomBytes(1000));
  await upload([file]);
  const { Metadata } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: file.key }));
  expect(Metadata).toEqual({ identity: file.identity });
  expect((await stat(file.place.path)).size, basename(file.place.path)).toBe(1000);
});

test("parts are as small as 10,000 of them allow, from 64 to 512 MiB", () => {
  const mebibyte = 1024 ** 2;
  expect([1, 640_000 * mebibyte, 640_000 * mebibyte + 1, 5e12].map((bytes) => partBytesFor(bytes) / mebibyte)).toEqual([
    64, 64, 128, 512,
  ]);
  expect(() => partBytesFor(6e12)).toThrow("split it with `llama-gguf-split`");
});
