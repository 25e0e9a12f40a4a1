import { join } from "node:path";
import { readMachine } from "../../config/machine.ts";
import { Container, createNetwork, docker, runToEnd, sleep } from "../image/containers.ts";
import { buildArguments, images, model, modelMissing, type Role, root } from "../image/images.ts";
import { buildWithProgress } from "../support/build-progress.ts";
import type { Emulation } from "./emulation.ts";

/** One image that is built and tried. */
export interface Candidate {
  flavour: "cpu" | "cuda";
  role: Role;
  platform: string;
  /** Base image, where the registry's can't be had. */
  baseImage?: string | undefined;
  cudaArchitectures?: string;
  /** Reference of the image whose programs are started. @default the one that `build` makes */
  reference?: string | undefined;
}

/** What became of it. */
export interface Attempt {
  image: string;
  platform: string;
  megabytes?: number;
  buildSeconds?: number;
  /** One entry per program that was started: what, and how it went. */
  started?: Started[];
  skipped?: string;
  failed?: string;
}

/** One try of a program. */
export interface Started {
  what: string;
  ok: boolean;
  note: string;
}

/** Name of the image that `build` makes. */
export const tagOf = ({ flavour, role, platform }: Candidate) =>
  `llama-rpc-cluster-test/${flavour}-${role}:${platform.replace("linux/", "").replace("/", "-")}`;

/** Builds an image; a failure is told with the end of the log, not thrown. */
export async function build(candidate: Candidate): Promise<Attempt> {
  const { flavour, role, platform } = candidate;
  const base = { image: `${flavour}-${role}`, platform };
  const extra: Record<string, string | undefined> = {
    BASE_IMAGE: candidate.baseImage,
    CUDA_ARCHITECTURES: candidate.cudaArchitectures,
    CUDA_FROM: flavour === "cuda" ? (readMachine(root).buildArgs["CUDA_FROM"]?.value ?? "nvidia") : undefined,
  };
  const options = Object.entries(extra).flatMap(([name, value]) => (value ? ["--build-arg", `${name}=${value}`] : []));
  const common = await buildArguments(`${flavour}.Dockerfile`);
  const args = [...common, ...options, "--platform", platform, "--target", role, "--tag", tagOf(candidate)];
  console.log(`docker ${args.join(" ")} images`);
  const begin = performance.now();
  const result = await buildWithProgress(tagOf(candidate), [...args, join(root, "images")]);
  const buildSeconds = Math.round((performance.now() - begin) / 1000);
  if (result.exitCode !== 0) {
    console.log(result.all.split("\n").slice(-30).join("\n"));
    return { ...base, buildSeconds, failed: "the build failed, the end of its log is above" };
  }
  const size = Number(await docker(["image", "inspect", "--format", "{{.Size}}", tagOf(candidate)]));
  return { ...base, buildSeconds, megabytes: size / 1e6 };
}

/** Starts what the image holds; each try is told by itself. */
export async function started(candidate: Candidate, emulation?: Emulation): Promise<Started[]> {
  if (emulation?.blocked) return [{ what: "programs", ok: true, note: `not started: ${emulation.blocked}` }];
  const image = candidate.reference ?? tagOf(candidate);
  const options = ["--platform", candidate.platform];
  const tries: Started[] = [];
  const attempt = async (what: string, run: () => Promise<string>) => {
    const begin = performance.now();
    const outcome = await run().then(
      (note) => ({ what, ok: true, note }),
      (error: unknown) => ({ what, ok: false, note: error instanceof Error ? error.message : String(error) }),
    );
    tries.push(outcome);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    console.log(`${outcome.ok ? "ok" : "FAILED"} ${image}: ${what}: ${outcome.note} (${seconds} s)`);
  };
  const says = async (args: string[], pattern: RegExp): Promise<string> => {
    const ended = await runToEnd({ image, args, options }, 180_000);
    const found = pattern.exec(ended.output);
    if (!found || ended.exitCode !== 0) throw new Error(`status ${ended.exitCode}: ${ended.output}`);
    return found[0].trim();
  };
  await attempt("ggml-rpc-server --help", () => says(["ggml-rpc-server", "--help"], /-c, --cache/));
  if (candidate.role === "server") {
    await attempt("llama-server --version", () => says(["llama-server", "--version"], /version: .*/));
    return tries;
  }
  if (candidate.flavour === "cuda") {
    await attempt("refuses to start without a GPU", async () => {
      const ended = await runToEnd({ image, options });
      if (ended.exitCode !== 64 || !/--gpus all/.test(ended.output)) throw new Error(ended.output);
      return "one sentence, status 64";
    });
    return tries;
  }
  await attempt("answers an amd64 front", () => servesFront(image, options));
  return tries;
}

/** An amd64 front puts a real model on the image's backend and completes a sentence. */
async function servesFront(image: string, options: readonly string[]): Promise<string> {
  const missing = modelMissing();
  if (missing) throw new Error(missing);
  const network = await createNetwork();
  const alias = ["--network", network, "--network-alias", "foreign"];
  const backend = await Container.start({ image, options: [...options, ...alias], env: { APP_THREADS: "2" } });
  await backend.logged(/transport\s+: TCP/, 120_000);
  const env = {
    ...{ APP_RPC_BACKENDS: "foreign:50052", APP_MODEL: `/models/${model.file}`, APP_THREADS: "1" },
    ...{ LLAMA_ARG_CTX_SIZE: "256", LLAMA_ARG_N_PARALLEL: "1" },
  };
  const front = await Container.start({
    image: images.server,
    env,
    args: ["--no-warmup"],
    options: ["--network", network, "--volume", `${model.folder}:/models:ro`],
  });
  try {
    const log = await front.logged(/listening on http/, 300_000);
    const held = /backend foreign:50052 holds ([\d.]+) MiB/.exec(log)?.[1];
    await sleep(500);
    const begin = performance.now();
    const response = await fetch(`http://${await front.address()}:8080/completion`, {
      method: "POST",
      body: JSON.stringify({ prompt: "The capital of France is", n_predict: 2, temperature: 0 }),
      signal: AbortSignal.timeout(300_000),
    });
    const answer = (await response.json()) as { content: string };
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    if (!/Paris/.test(answer.content)) throw new Error(`it completed with ${JSON.stringify(answer.content)}`);
    return `holds ${held} MiB of the model, completed ${JSON.stringify(answer.content)} in ${seconds} s`;
  } catch (error) {
    throw new Error(`${String(error)}\n${await backend.logs()}\n${await front.logs()}`);
  } finally {
    await front.remove();
    await backend.remove();
  }
}
