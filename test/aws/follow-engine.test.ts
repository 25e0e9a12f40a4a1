/** The hooks in the real engine, which alone knows what a failed one means for the state and for the next `up`. */

import { randomBytes } from "node:crypto";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { BootMachine } from "../../aws/follow/machines.ts";
import { fingerprint } from "../../aws/transfer/model-files.ts";
import { bootFollowed, modelInPlace } from "../../components/aws/hooks.ts";
import { which } from "../../setup/programs.ts";
import { type AwsDouble, noDouble, startDouble } from "../support/aws-double/server.ts";
import { ensureAwsTestTools } from "../support/test-tools.ts";
import { Players } from "./support/boot-players.ts";
import { type FrontOfDouble, frontOfDouble } from "./support/front-of-double.ts";

const REGION = "us-east-1";
const BUCKET = "models";
const KEY = "models/m.gguf";

let double: AwsDouble | null = null;
let reason: string | null = null;
let gate: FrontOfDouble;
let players: Players;
let folder: string;
let s3: S3Client;

beforeAll(async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  const { python } = await ensureAwsTestTools(process.cwd());
  reason =
    (await noDouble(python ?? undefined)) ??
    (which("pulumi") === null ? "no pulumi on PATH: run `npm start` once" : null);
  if (reason !== null) return;
  double = await startDouble(python ?? undefined);
  gate = await frontOfDouble(double.endpoint);
  players = new Players(double.endpoint, "engine");
  folder = await mkdtemp(join(tmpdir(), "llama-rpc-hooks-"));
  s3 = new S3Client({ region: REGION, endpoint: double.endpoint, forcePathStyle: true });
});

afterAll(async () => {
  vi.unstubAllEnvs();
  if (double === null) return;
  players.close();
  s3.destroy();
  await gate.close();
  await double.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What the cluster's component does, without its machines. */
async function program(machines: { front: BootMachine; backend: BootMachine; path: string; bytes: number }) {
  const { front, backend, path, bytes } = machines;
  const connection = { region: REGION, endpoint: gate.endpoint };
  const cluster = new pulumi.ComponentResource("test:aws:Cluster", "cluster");
  const inside = { parent: cluster };
  const file = { key: KEY, bytes, place: { kind: "local" as const, path }, identity: await fingerprint(path, bytes) };
  const model = modelInPlace("model", { connection, bucket: pulumi.output(BUCKET), files: [file] }, inside);
  bootFollowed(
    "boot",
    {
      connection,
      // As an instance's outputs are: known to the engine only later.
      front: { ...front, instanceId: model.output.apply(() => front.instanceId) },
      backends: [backend],
      timeoutSeconds: 60,
    },
    inside,
  );
}

/** Runs `up` and gives what it showed; a failure's message is part of that. */
async function up(stack: Stack): Promise<{ isOk: boolean; text: string; changes: Record<string, number> }> {
  const shown: string[] = [];
  const onOutput = (text: string) => void shown.push(text);
  try {
    const { summary } = await stack.up({ onOutput });
    return { isOk: true, text: shown.join(""), changes: { ...summary.resourceChanges } };
  } catch (error) {
    return { isOk: false, text: `${shown.join("")}\n${String(error)}`, changes: {} };
  }
}

const asked = (operation: string) => gate.seen.filter(({ target }) => target.endsWith(operation)).length;

test("`up` brings the model, follows the start, fails with a machine's reason, and tries again what failed", async (context) => {
  if (reason !== null) return context.skip(reason);
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const [front, backend] = [await players.launch("front"), await players.launch("gpu-1")];
  const content = randomBytes(100_000);
  const path = join(folder, "m.gguf");
  await writeFile(path, content);
  const machines = { front, backend, path, bytes: content.length };
  const stack = await LocalWorkspace.createStack(
    { stackName: "hooks", projectName: "llama-rpc-hooks", program: () => program(machines) },
    {
      workDir: folder,
      envVars: engineSettings(),
    },
  );

  await stack.preview();
  expect(gate.seen, "a preview asks AWS for nothing").toEqual([]);

  const failing = up(stack);
  await vi.waitFor(() => expect(asked("GetParameters")).toBeGreaterThan(0), 100_000);
  await new Promise((wake) => setTimeout(wake, 1100));
  await players.write(backend, "image", "failed", "no such digest: push the image again");
  const failed = await failing;
  expect(failed.isOk).toBe(false);
  expect(failed.text).toContain("model is in the bucket");
  expect(failed.text).toContain(`gpu-1 (${backend.instanceId}) failed at image: no such digest: push the image again.`);
  const { ContentLength } = await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: KEY }));
  expect(ContentLength).toBe(content.length);

  await players.write(backend, "serving", "ready", "");
  await players.write(front, "serving", "ready", "answered a generation");
  const mended = await up(stack);
  expect(mended.isOk, mended.text).toBe(true);
  expect(mended.text).toContain("ready after ");
  expect(mended.changes, "the model is not brought again").toEqual({ create: 1, same: 3 });

  gate.seen = [];
  expect((await up(stack)).changes).toEqual({ same: 4 });
  expect(gate.seen, "what is the same is not followed").toEqual([]);

  await new Promise((wake) => setTimeout(wake, 1100));
  machines.backend = { ...backend, instanceId: await players.instance() };
  const following = up(stack);
  await vi.waitFor(() => expect(asked("GetParameters")).toBeGreaterThan(1), 100_000);
  await players.write(machines.backend, "serving", "ready", "");
  await players.write(front, "serving", "ready", "front is healthy again");
  const changed = await following;
  expect(changed.text).toContain("ready after ");
  expect(changed.changes, "another backend is another start").toEqual({ update: 1, same: 3 });
  await stack.destroy();
});

test("a program of its own has its hooks run, or fails where its language host knows none, but never in a preview", async (context) => {
  if (reason !== null) return context.skip(reason);
  const home = await mkdtemp(join(folder, "program-"));
  const root = process.cwd();
  await symlink(join(root, "node_modules"), join(home, "node_modules"));
  await writeFile(join(home, "package.json"), JSON.stringify({ type: "module", main: "index.ts" }));
  const runtime = { name: "nodejs", options: { typescript: false } };
  await writeFile(join(home, "Pulumi.yaml"), JSON.stringify({ name: "llama-rpc-host", main: "index.ts", runtime }));
  const args = {
    connection: { region: REGION, endpoint: gate.endpoint },
    front: await players.launch("front"),
    backends: [],
    timeoutSeconds: 1,
  };
  await writeFile(
    join(home, "index.ts"),
    `import { bootFollowed } from ${JSON.stringify(join(root, "components/aws/hooks.ts"))};
     bootFollowed("boot", ${JSON.stringify(args)});`,
  );
  const stack = await LocalWorkspace.createStack({ stackName: "host", workDir: home }, { envVars: engineSettings() });
  await stack.preview();
  const { isOk, text } = await up(stack);
  expect(isOk).toBe(false);
  // The host that offline/ builds is older than hooks: there the commands refuse target aws before the engine is asked.
  expect(text).toMatch(/The front has not answered within 1 s\.|UNIMPLEMENTED: .*RegisterResourceHook/);
  await stack.destroy();
});

/** A state of its own, and nothing to sign in to. */
function engineSettings(): Record<string, string> {
  return {
    PULUMI_BACKEND_URL: `file://${folder}`,
    PULUMI_CONFIG_PASSPHRASE: "only for tests",
    PULUMI_CONFIG_PASSPHRASE_FILE: "",
    PULUMI_SKIP_UPDATE_CHECK: "1",
  };
}
