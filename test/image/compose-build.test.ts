import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { freePort } from "../support/engine-stack.ts";
import { FrontClient, until } from "../support/front-client.ts";
import { ensureCompose } from "../support/test-tools.ts";
import { BUILD_TIMEOUT_MS, buildImages, model, modelMissing, root, sourceImage } from "./images.ts";

/** The name that Compose gives to everything that a test makes. */
const PROJECT = `llama-rpc-test-${randomBytes(4).toString("hex")}`;
/** Images that a test builds by the compose file alone. */
const BUILT = { backend: "llama-rpc-cluster-test/compose-backend", server: "llama-rpc-cluster-test/compose-server" };

let program: string | null = null;
let lack = "";
let folder = "";
let port = 0;

beforeAll(async () => {
  const found = await ensureCompose(root);
  program = found.program;
  lack = found.reason ?? modelMissing() ?? "";
  if (lack !== "") return;
  await buildImages();
  // Beside the project's own files, so that a model of the user's in images/models is left alone.
  folder = mkdtempSync(join(tmpdir(), "compose-"));
  cpSync(join(root, "images"), folder, { recursive: true, filter: (file) => !file.endsWith("images/models") });
  mkdirSync(join(folder, "models"));
  cpSync(join(model.folder, model.file), join(folder, "models", model.file));
  port = await freePort();
}, BUILD_TIMEOUT_MS);

afterEach(async () => {
  if (folder !== "") await compose(["down", "--volumes", "--timeout", "5"]);
});

afterAll(async () => {
  if (folder !== "") rmSync(folder, { recursive: true, force: true });
  for (const image of Object.values(BUILT)) await execa("docker", ["image", "rm", image], { reject: false });
});

/** Runs Compose on a copy of `images/` and fails with what it said. */
async function compose(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  if (program === null) throw new Error(lack);
  const result = await execa(program, ["--project-name", PROJECT, ...args], {
    cwd: folder,
    env: { BUILDX_BUILDER: "default", LLAMA_MODEL: model.file, LLAMA_PORT: String(port), ...env },
    all: true,
    reject: false,
  });
  expect(result.exitCode, `docker-compose ${args.join(" ")}:\n${result.all}`).toBe(0);
  return result.all;
}

describe("images/compose.yaml, built and brought up by Docker Compose", () => {
  test("answers through a CPU backend with images that it builds itself", {
    timeout: BUILD_TIMEOUT_MS,
  }, async (context) => {
    if (lack !== "") context.skip(lack);
    const source = await sourceImage();
    // A machine that can't clone llama.cpp hands the source over as an image, as README says of every build.
    const args = source === undefined ? {} : { LLAMACPP_SOURCE: source };
    const override = { services: { main: { build: { args } }, "backend-cpu": { build: { args } } } };
    writeFileSync(join(folder, "override.yaml"), stringify(override));
    const built = { LLAMA_CPU_SERVER_IMAGE: BUILT.server, LLAMA_CPU_BACKEND_IMAGE: BUILT.backend };
    const files = ["--file", "compose.yaml", "--file", "override.yaml"];
    await compose([...files, "up", "--build", "--detach"], built);
    const front = new FrontClient(`http://127.0.0.1:${port}`, "");
    // Sooner than `--wait`, which asks the health check every ten seconds.
    await until("the front is ready", 120, async () => (await front.health()) === 200);
    const response = await front.post("/completion", {
      prompt: "The capital of France is",
      n_predict: 4,
      temperature: 0,
    });
    expect(await response.json()).toMatchObject({ content: expect.stringMatching(/Paris/) });
  });
});
