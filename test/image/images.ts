import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { readMachine } from "../../config/machine.ts";
import { buildWithProgress } from "../support/build-progress.ts";

/** The project's root directory. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** The images under test: flavour cpu, both roles, for this machine's architecture. */
export const images = {
  backend: "llama-rpc-cluster-test/cpu-backend",
  server: "llama-rpc-cluster-test/cpu-server",
} as const;

/** A role of an image. */
export type Role = keyof typeof images;

/** Bound on a build from nothing on a slow machine; with a warm build cache it takes seconds. */
export const BUILD_TIMEOUT_MS = 75 * 60_000;

const PINNED_SOURCE = "llama-rpc-cluster/llamacpp-source:0c1e57098";

/**
 * Local image with llama.cpp's source tree: what set-up says this machine has, or one that is there all the same;
 * undefined where the build clones.
 */
export async function sourceImage(): Promise<string | undefined> {
  const named = readMachine(root).buildArgs["LLAMACPP_SOURCE"]?.value;
  if (named) return named;
  const there = await execa("docker", ["image", "inspect", PINNED_SOURCE], { reject: false });
  return there.exitCode === 0 ? PINNED_SOURCE : undefined;
}

/** Arguments of `docker buildx build` that the engine's own builder needs, without tag, target and context. */
export async function buildArguments(dockerfile: string): Promise<string[]> {
  const source = await sourceImage();
  return [
    ...["buildx", "build", "--builder", "default", "--load", "--progress", "plain"],
    ...["--file", join(root, "images", dockerfile)],
    ...(source ? ["--build-arg", `LLAMACPP_SOURCE=${source}`] : []),
  ];
}

/** Builds both images from the Dockerfile, from the build cache where it is warm. */
export async function buildImages(): Promise<void> {
  const common = await buildArguments("cpu.Dockerfile");
  for (const role of ["backend", "server"] as const) {
    const args = [...common, "--target", role, "--tag", images[role], join(root, "images")];
    const built = await buildWithProgress(images[role], args);
    if (built.exitCode !== 0) {
      const end = built.all.split("\n").slice(-40).join("\n");
      throw new Error(`The image of role ${role} does not build; run \`docker ${args.join(" ")}\`:\n${end}`);
    }
  }
}

/** Folder and name of the model that tests use. */
export const model = { folder: join(root, ".models"), file: "SmolLM2-135M-Instruct.Q4_1.gguf" } as const;

/** Why tests with a model can't run here; undefined if they can. */
export function modelMissing(): string | undefined {
  if (existsSync(join(model.folder, model.file))) return undefined;
  return `no ${model.file} in .models: run \`npm start\` once, it fetches the model`;
}
