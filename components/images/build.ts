import * as build from "@pulumi/docker-build";
import type * as pulumi from "@pulumi/pulumi";
import type { Machine } from "../../config/machine.ts";
import { PINNED_LLAMACPP_VERSION } from "../../config/schema/index.ts";
import type { Architecture, Flavour, Role } from "../../config/words.ts";
import type { ImagePlan } from "../../plan/resources/plans.ts";

/** Sources of the runtime images. */
export interface ImageRecipe {
  /** llama.cpp's tag, branch or commit; the same for every role and flavour, because RPC versions must not mix. */
  version: string;
  /** Git repository of llama.cpp. */
  repository: string;
  /** Build arguments that this machine needs, by name, with the builds that each is for. @default none */
  buildArgs?: Machine["buildArgs"] | undefined;
  /** `engine`: the builds need images that only this machine's Docker engine has. @default any builder */
  builder?: Machine["builder"];
}

/** References to existing images, by role. */
export type ImageReferences = Partial<Record<Flavour, Partial<Record<Role, string | undefined>> | undefined>>;

/** The build context, relative to the project. */
export const CONTEXT = "./images";

/** Arguments of every build of a runtime image. */
export function imageBuild(image: ImagePlan, recipe: ImageRecipe, stack: string) {
  return {
    context: { location: CONTEXT },
    dockerfile: { location: `${CONTEXT}/${image.flavour}.Dockerfile` },
    target: image.role,
    platforms: [platformOf(image.architecture)],
    buildArgs: buildArgsOf(image.flavour, recipe),
    labels: { "llama-rpc-cluster/stack": stack, "llama-rpc-cluster/role": image.role },
    buildOnPreview: false,
  } satisfies Omit<build.ImageArgs, "push">;
}

/** Inputs that a preview shows for a component that builds images. */
export function imagesInputs(args: { images: readonly ImagePlan[]; recipe: ImageRecipe; stack: string }) {
  return {
    stack: args.stack,
    version: args.recipe.version,
    images: args.images.map(({ flavour, role, architecture }) => `${flavour} ${role} ${architecture}`),
  };
}

/** Only the engine's own builder sees the images of this machine: the base image and the source. */
export const ENGINES_OWN_BUILDER = { exec: true, builder: { name: "default" } } satisfies Partial<build.ImageArgs>;

/** References to the images of a plan, by flavour, role and architecture. */
export class PlannedImages {
  readonly #references = new Map<string, pulumi.Output<string>>();

  /** @param referenceTo creates one image and returns its reference */
  constructor(images: readonly ImagePlan[], referenceTo: (image: ImagePlan) => pulumi.Output<string>) {
    for (const image of images) this.#references.set(keyOf(image), referenceTo(image));
  }

  /** @throws if the plan has no such image: a defect of the program, not a mistake of the user */
  imageOf(image: ImagePlan): pulumi.Output<string> {
    const reference = this.#references.get(keyOf(image));
    if (reference !== undefined) return reference;
    throw new Error(`No image ${keyOf(image)} in the plan: add it to ClusterPlan.images.`);
  }
}

const keyOf = ({ flavour, role, architecture }: ImagePlan) => `${flavour} ${role} ${architecture}`;

function platformOf(architecture: Architecture): build.Platform {
  switch (architecture) {
    case "amd64":
      return build.Platform.Linux_amd64;
    case "arm64":
      return build.Platform.Linux_arm64;
    case "arm/v7":
      // The builder reads `linux/arm` as arm/v7.
      return build.Platform.Linux_arm;
  }
}

function buildArgsOf(flavour: Flavour, recipe: ImageRecipe): Record<string, string> {
  return {
    LLAMACPP_REPO: recipe.repository,
    LLAMACPP_VERSION: recipe.version,
    ...(recipe.version === PINNED_LLAMACPP_VERSION ? {} : NO_CLAIMS),
    ...machineArgsOf(flavour, recipe),
  };
}

/** The machine's build arguments for this flavour and version. */
function machineArgsOf(flavour: Flavour, { version, buildArgs = {} }: ImageRecipe): Record<string, string> {
  const wanted = Object.entries(buildArgs).filter(
    ([, arg]) => (arg.version ?? version) === version && (arg.flavour ?? flavour) === flavour,
  );
  return Object.fromEntries(wanted.map(([name, { value }]) => [name, value]));
}

/** The Dockerfiles label the pinned version's commit and protocol; those of another version are unknown before its build. */
const NO_CLAIMS = { LLAMACPP_COMMIT: "", RPC_PROTOCOL: "", GGML_VERSION: "" };
