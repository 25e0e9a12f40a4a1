import * as docker from "@pulumi/docker";
import * as build from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import { PINNED_LLAMACPP_VERSION } from "../../config/schema.ts";
import type { Architecture, Flavour, ImagePlan, Role } from "../../plan/types.ts";
import { type Transform, transformed } from "../support/transform.ts";
import { contextDigest } from "./context-digest.ts";

/** What the runtime images are made of. */
export interface ImageRecipe {
  /** llama.cpp's tag, branch or commit; one for every role and flavour, because RPC versions must not mix. */
  version: string;
  /** Git repository of llama.cpp. */
  repository: string;
  /** A local image `name:<version>` with that version's tree under `/llama.cpp`. @default the source is cloned */
  sourceImage?: string | undefined;
  /** Where the CUDA compiler comes from. @default "nvidia" */
  cudaFrom?: "nvidia" | "debian" | undefined;
}

/** References to images that exist already, by role. */
export type ImageReferences = Partial<Record<Flavour, Partial<Record<Role, string | undefined>> | undefined>>;

export interface RuntimeImagesArgs {
  /** Images that the plan asks for. */
  images: readonly ImagePlan[];
  recipe: ImageRecipe;
  /** Images that are used as they are; nothing is built for these flavours. @default none */
  references?: ImageReferences | undefined;
  /** Stack that owns the images: part of their names, so that one stack's destroy leaves another's images alone. */
  stack: string;
  /** Escape hatch for the builds. @default none */
  transform?: Transform<build.ImageArgs> | undefined;
}

/** Folder that is sent to the builder, relative to the project. */
const CONTEXT = "./images";

/**
 * The llama.cpp images of a cluster on this machine: built once per flavour and role by the engine's own builder,
 * handed out by image id and removed with the stack. Images given by reference are pulled where they are missing, and
 * stay.
 *
 * ### Cost
 * None but time: compiling llama.cpp takes about 16 minutes on 2 cores the first time; the compiler cache and the
 * layers stay in the engine's build cache when the stack is destroyed.
 */
export class RuntimeImages extends pulumi.ComponentResource {
  readonly #ids = new Map<string, pulumi.Output<string>>();

  constructor(name: string, args: RuntimeImagesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("llama-rpc-cluster:images:RuntimeImages", name, {}, opts);
    for (const image of args.images) {
      const reference = args.references?.[image.flavour]?.[image.role];
      const local = reference ? this.#adopt(name, image, reference) : this.#build(name, image, args);
      this.#ids.set(keyOf(image.flavour, image.role), local.imageId);
    }
    this.registerOutputs();
  }

  /**
   * Image id (`sha256:…`) of a flavour and role.
   * @throws if the plan did not ask for such an image
   */
  idOf(flavour: Flavour, role: Role): pulumi.Output<string> {
    const id = this.#ids.get(keyOf(flavour, role));
    if (!id) throw new Error(`No ${flavour} image for the role ${role} in the plan: add it to ClusterPlan.images.`);
    return id;
  }

  #adopt(name: string, image: ImagePlan, reference: string): docker.RemoteImage {
    return new docker.RemoteImage(
      `${name}-${keyOf(image.flavour, image.role)}`,
      { name: reference, keepLocally: true },
      { parent: this },
    );
  }

  #build(name: string, image: ImagePlan, args: RuntimeImagesArgs): docker.RemoteImage {
    const key = keyOf(image.flavour, image.role);
    const buildArgs = buildArgsOf(image.flavour, args.recipe);
    const tag = `llama-rpc-cluster/${args.stack}-${key}:${contextDigest(CONTEXT, buildArgs)}`;
    const built = new build.Image(
      `${name}-${key}-build`,
      transformed(args.transform, {
        context: { location: CONTEXT },
        dockerfile: { location: `${CONTEXT}/${image.flavour}.Dockerfile` },
        target: image.role,
        platforms: [platformOf(image.architecture)],
        buildArgs,
        tags: [tag],
        labels: { "llama-rpc-cluster/stack": args.stack, "llama-rpc-cluster/role": image.role },
        // The engine's own builder sees images that exist only locally: the base image, the source.
        exec: true,
        builder: { name: "default" },
        load: true,
        push: false,
        buildOnPreview: false,
      }),
      // A loaded image is no registry's: the RemoteImage below removes it.
      { parent: this, retainOnDelete: true },
    );
    return new docker.RemoteImage(
      `${name}-${key}`,
      { name: tag, keepLocally: false, pullTriggers: [built.digest] },
      { parent: this, dependsOn: [built] },
    );
  }
}

const keyOf = (flavour: Flavour, role: Role) => `${flavour}-${role}`;

function platformOf(architecture: Architecture): build.Platform {
  switch (architecture) {
    case "amd64":
      return build.Platform.Linux_amd64;
    case "arm64":
      return build.Platform.Linux_arm64;
    case "arm/v7":
      // The builder reads linux/arm as its variant v7.
      return build.Platform.Linux_arm;
  }
}

function buildArgsOf(flavour: Flavour, recipe: ImageRecipe): Record<string, string> {
  const atHand = recipe.sourceImage?.endsWith(`:${recipe.version}`) ? recipe.sourceImage : undefined;
  return {
    LLAMACPP_REPO: recipe.repository,
    LLAMACPP_VERSION: recipe.version,
    ...(recipe.version === PINNED_LLAMACPP_VERSION ? {} : NO_CLAIMS),
    ...(atHand ? { LLAMACPP_SOURCE: atHand } : {}),
    ...(flavour === "cuda" && recipe.cudaFrom ? { CUDA_FROM: recipe.cudaFrom } : {}),
  };
}

/** The Dockerfiles state the pinned version's commit and protocol in labels; nobody knows another's before its build. */
const NO_CLAIMS = { LLAMACPP_COMMIT: "", RPC_PROTOCOL: "", GGML_VERSION: "" };
