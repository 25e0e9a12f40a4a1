import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation/index.js";
import type { ImageRecipe } from "../../components/images/build.ts";
import { PushedImages } from "../../components/images/pushed-images.ts";
import { type Machine, readMachine } from "../../config/machine.ts";
import { PINNED_LLAMACPP_VERSION } from "../../config/schema/index.ts";
import type { ImagePlan } from "../../plan/resources/plans.ts";
import { root, sourceImage } from "../image/images.ts";
import { LOGIN, type LocalRegistry } from "./local-registry.ts";

/** What is pushed where. */
export interface Push {
  registry: LocalRegistry;
  /** Name of the flavour cpu's repository, without the registry. */
  repository: string;
  images: readonly ImagePlan[];
  /** Base image of a foreign architecture, where the registry's can't be had. @default the Dockerfile's */
  baseImage?: string | undefined;
}

/** A stack of the real engine that holds nothing but a `PushedImages`. Disposing destroys it and removes its state. */
export interface PushedStack extends AsyncDisposable {
  stack: Stack;
  /** References by digest, in the order of the images. */
  references(): Promise<string[]>;
  /** Lets the next run sign in with another password. */
  signInWith(password: string): void;
  /** All that the state backend keeps, as it lies on the disk. */
  stateOnDisk(): string;
}

/** As the program builds here; also where the source's image is there and set-up has not said so. */
async function recipeOf({ buildArgs, builder }: Machine): Promise<ImageRecipe> {
  const source = await sourceImage();
  const there = source === undefined ? {} : { LLAMACPP_SOURCE: { value: source, version: PINNED_LLAMACPP_VERSION } };
  return {
    version: PINNED_LLAMACPP_VERSION,
    repository: "https://github.com/ggml-org/llama.cpp",
    buildArgs: { ...there, ...buildArgs },
    builder: source === undefined ? builder : "engine",
  };
}

/** Makes the stack; `stack.up()` builds and pushes. */
export async function pushedStack(name: string, push: Push): Promise<PushedStack> {
  const folder = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-push-"));
  const state = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-state-"));
  const recipe = await recipeOf(readMachine(root));
  let password: string = LOGIN.password;
  const program = async () => {
    const images = new PushedImages("images", {
      images: push.images,
      recipe,
      stack: name,
      repositories: { cpu: `${push.registry.address}/${push.repository}` },
      cacheRepository: `${push.registry.address}/${push.repository}-cache`,
      registry: { address: push.registry.address, username: LOGIN.username, password },
      // An inline program runs in a folder of its own.
      transform: (args) => ({
        ...args,
        context: { location: join(root, "images") },
        dockerfile: { location: join(root, "images", "cpu.Dockerfile") },
        buildArgs: pulumi
          .output(args.buildArgs)
          .apply((given) => ({ ...given, ...(push.baseImage ? { BASE_IMAGE: push.baseImage } : {}) })),
      }),
    });
    return {
      references: push.images.map((image) => images.imageOf(image)),
    };
  };
  const stack = await LocalWorkspace.createOrSelectStack(
    { stackName: name, projectName: "llama-rpc-cluster-pushed-images", program },
    {
      workDir: folder,
      envVars: {
        PULUMI_BACKEND_URL: `file://${state}`,
        PULUMI_CONFIG_PASSPHRASE: "only for tests",
        PULUMI_CONFIG_PASSPHRASE_FILE: "",
      },
    },
  );
  return {
    stack,
    references: async () => (await stack.outputs())["references"]?.value as string[],
    signInWith: (other) => {
      password = other;
    },
    stateOnDisk: () =>
      readdirSync(state, { recursive: true, encoding: "utf8", withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
        .join("\n"),
    async [Symbol.asyncDispose]() {
      await stack.destroy();
      for (const used of [folder, state]) rmSync(used, { recursive: true, force: true });
    },
  };
}
