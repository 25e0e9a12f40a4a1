import { randomBytes } from "node:crypto";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { freePort } from "../support/engine-stack.ts";
import { FrontClient, until } from "../support/front-client.ts";
import { ensureCompose } from "../support/test-tools.ts";
import { Container, docker, removeEverything } from "./containers.ts";
import { BUILD_TIMEOUT_MS, buildImages, images, model, modelMissing, root } from "./images.ts";

beforeAll(buildImages, BUILD_TIMEOUT_MS);
afterAll(removeEverything);

/** What these tests look at in a Compose file. */
interface Service {
  build: { dockerfile: string; target: string; args: Record<string, string> };
  image: string;
  environment: Record<string, string>;
  networks: string[];
  ports?: string[];
  profiles?: string[];
  read_only: boolean;
  cap_drop: string[];
  security_opt: string[];
  restart: string;
  mem_limit: string;
  memswap_limit: string;
  pids_limit: number;
}

const file = join(root, "images", "compose.yaml");
const compose = parse(readFileSync(file, "utf8"), { merge: true }) as {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean }>;
};
const services = Object.entries(compose.services);

describe("images/compose.yaml", () => {
  test("has a front, a CPU backend, and a CUDA backend that only its profile starts", () => {
    expect(services.map(([name]) => name)).toEqual(["main", "backend-cpu", "backend-cuda"]);
    expect(compose.services["backend-cuda"]?.profiles).toEqual(["cuda"]);
  });

  test.each(services)(
    "%s has a read-only root, no capabilities, no way to new ones, and bounds on memory and processes",
    (_name, service) => {
      expect(service.read_only).toBe(true);
      expect(service.cap_drop).toEqual(["ALL"]);
      expect(service.security_opt).toContain("no-new-privileges:true");
      expect(service.restart).toBe("unless-stopped");
      expect(service.mem_limit).toMatch(/^\$\{LLAMA_[A-Z_]+:-\d+\}m$/);
      expect(service.memswap_limit, "no swap").toBe(service.mem_limit);
      expect(service.pids_limit).toBe(1024);
    },
  );

  test("backends are on the internal network alone, and the front is published on the loopback address", () => {
    expect(compose.networks["rpc"]?.internal).toBe(true);
    for (const [name, service] of services.filter(([name]) => name.startsWith("backend"))) {
      expect(service.networks, name).toEqual(["rpc"]);
      expect(service.ports, name).toBeUndefined();
    }
    expect(compose.services["main"]?.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
  });

  test("builds the same llama.cpp as the Dockerfiles, in stages that they have", () => {
    for (const [name, { build }] of services) {
      const dockerfile = readFileSync(join(root, "images", build.dockerfile), "utf8");
      expect(dockerfile, name).toMatch(new RegExp(`^FROM .* AS ${build.target}$`, "m"));
      for (const [argument, value] of Object.entries(build.args)) {
        const fallback = /:-(.*)\}$/.exec(value)?.[1];
        expect(dockerfile, `${name}: ${argument}`).toContain(`ARG ${argument}=${fallback}\n`);
      }
    }
  });

  test("sets no variable that the images do not know", async () => {
    for (const [name, { environment }] of services) {
      const env = Object.fromEntries(Object.keys(environment).map((key) => [key, ""]));
      const container = await Container.start({ image: images.server, env: { ...env, APP_MODE: "none" } });
      const log = await container.logged(/APP_MODE=none: idle/);
      await container.remove();
      expect(log, name).not.toMatch(/is no variable of this image/);
    }
  });
});

describe("Docker Compose", () => {
  const project = `llama-rpc-test-${randomBytes(4).toString("hex")}`;
  let program: string | null = null;
  let lack = "";
  let folder = "";

  beforeAll(async () => {
    const { program: found, reason } = await ensureCompose(root);
    program = found;
    lack = reason ?? "";
    // Its models are mounted for an ordinary user, who has to be able to enter the folder.
    folder = mkdtempSync(join(tmpdir(), "compose-"));
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, "models"));
  }, BUILD_TIMEOUT_MS);

  afterAll(async () => {
    if (program !== null) await compose(["--profile", "cuda"], ["down", "--volumes", "--timeout", "5"]);
    rmSync(folder, { recursive: true });
  });

  /** Runs Compose as the README does, with the images under test in the place of published ones. */
  async function compose(options: readonly string[], args: readonly string[], env: Record<string, string> = {}) {
    const own = {
      LLAMA_CPU_SERVER_IMAGE: images.server,
      LLAMA_CPU_BACKEND_IMAGE: images.backend,
      LLAMA_CUDA_BACKEND_IMAGE: images.backend,
      LLAMA_MODEL: model.file,
      LLAMA_CPU_MEM: "512",
      LLAMA_CUDA_MEM: "512",
    };
    const files = ["--project-name", project, "--project-directory", folder, "--file", file, ...options];
    const result = await execa(String(program), [...files, ...args], {
      env: { ...own, ...env },
      reject: false,
      all: true,
    });
    if (result.exitCode !== 0) throw new Error(`docker compose ${args.join(" ")}\n${result.all}`);
    return result.stdout;
  }

  test("understands the file, with the profile cuda and without", async (context) => {
    if (program === null) context.skip(lack);
    for (const profile of [[], ["--profile", "cuda"]]) await compose(profile, ["config", "--quiet"]);
  });

  test.for([
    { what: "a front and a CPU backend", backends: ["backend-cpu"], options: [] },
    { what: "a front and the backends of the profile cuda", backends: ["backend-cuda", "backend-cpu"], options: null },
  ])("brings up $what, which answer, and takes all of it down", async ({ backends, options }, context) => {
    if (program === null) context.skip(lack);
    const missing = modelMissing();
    if (missing !== undefined) context.skip(missing);
    copyFileSync(join(model.folder, model.file), join(folder, "models", model.file));
    chmodSync(join(folder, "models", model.file), 0o644);
    const more = options ?? ["--profile", "cuda", "--file", withoutGpu()];
    const env = {
      LLAMA_PORT: String(await freePort()),
      LLAMA_RPC_BACKENDS: backends.map((name) => `${name}:50052`).join(","),
    };
    await compose(more, ["up", "--no-build", "--detach"], env);
    const front = new FrontClient(`http://127.0.0.1:${env.LLAMA_PORT}`, "");
    // Sooner than `--wait`, which asks the health check every ten seconds.
    await until("the front is ready", 120, async () => (await front.health()) === 200);
    const response = await front.post("/completion", { prompt: "The capital of France is", n_predict: 8 });
    const log = await compose(more, ["logs", "--no-log-prefix", "main"], env);
    expect(await response.json(), log).toMatchObject({ tokens_predicted: 8, content: expect.stringMatching(/\w/) });
    // A front whose backend is unused refuses to serve; its log says what each one holds.
    for (const name of backends) expect(log).toMatch(new RegExp(`RPC\\d+\\[${name}:50052\\] +model buffer size`));
    await compose(more, ["down", "--volumes", "--timeout", "10"], env);
    const label = ["--quiet", "--filter", `label=com.docker.compose.project=${project}`];
    for (const list of [
      ["ps", "--all"],
      ["network", "ls"],
      ["volume", "ls"],
    ]) {
      expect(await docker([...list, ...label]), list.join(" ")).toBe("");
    }
  });

  /** There is no GPU on most machines: the service of the profile cuda runs as another CPU backend. */
  function withoutGpu(): string {
    const override = join(folder, "without-gpu.yaml");
    writeFileSync(override, "services:\n  backend-cuda:\n    deploy: !reset null\n");
    return override;
  }
});
