import * as build from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import type { Flavour } from "../../config/words.ts";
import type { ImagePlan } from "../../plan/resources/plans.ts";
import { type Transform, transformed } from "../transform.ts";
import { CONTEXT, ENGINES_OWN_BUILDER, type ImageRecipe, imageBuild, imagesInputs, PlannedImages } from "./build.ts";
import { contextDigest } from "./digest.ts";

/** How the builder signs in to the registry. */
export interface RegistryLogin {
  /** Host, with its port if it has one. */
  address: pulumi.Input<string>;
  username: pulumi.Input<string>;
  /** Password or token; kept as a secret. One that changes at every run, as ECR's does, is no change of an image. */
  password: pulumi.Input<string>;
}

export interface PushedImagesArgs {
  /** Images that the plan asks for. */
  images: readonly ImagePlan[];
  recipe: ImageRecipe;
  /** Stack that owns the images; one of their labels. */
  stack: string;
  /** Repository of each flavour that is built: `<registry>/<repository>`, whose tags need never be moved. */
  repositories: Partial<Record<Flavour, pulumi.Input<string>>>;
  /** Repository of the build cache, whose tags are moved at every build. @default no cache outside the builder */
  cacheRepository?: pulumi.Input<string> | null | undefined;
  registry: RegistryLogin;
  /** Escape hatch for the builds; one that changes what is built has to change `tags` too. @default none */
  transform?: Transform<build.ImageArgs> | undefined;
}

/**
 * The llama.cpp images of a cluster whose machines pull from a registry: one image for each flavour, role and
 * architecture in use, pushed under a tag that names its content, handed out by digest. `LocalImages` is its counterpart
 * for this machine's own engine.
 *
 * The images outlive this component: a machine that still runs an older one must be able to pull it again. They go with
 * their repository.
 *
 * ### Cost
 * What the registry takes for its storage: about 0.1 GB for each CPU image, 1 to 2 GB for each CUDA one, and the cache.
 * Compiling llama.cpp takes about 16 minutes on 2 cores for each architecture; what the cache holds is not compiled again.
 */
export class PushedImages extends pulumi.ComponentResource {
  readonly #images: PlannedImages;

  constructor(name: string, args: PushedImagesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("llama-rpc-cluster:images:PushedImages", name, imagesInputs(args), opts);
    this.#images = new PlannedImages(args.images, (image) => this.#push(name, image, args));
    this.registerOutputs();
  }

  /**
   * Reference by digest: `<registry>/<repository>@sha256:…`.
   * @throws if the plan did not ask for such an image
   */
  imageOf(image: ImagePlan): pulumi.Output<string> {
    return this.#images.imageOf(image);
  }

  #push(name: string, image: ImagePlan, args: PushedImagesArgs): pulumi.Output<string> {
    const repository = args.repositories[image.flavour];
    if (repository === undefined) throw new Error(`No repository for images of flavour ${image.flavour}.`);
    const made = imageBuild(image, args.recipe, args.stack);
    // A tag is written once. Whatever makes the provider build anew gives another one, a file's mode too.
    const content = contextDigest(CONTEXT, made.buildArgs, { modes: true });
    const pushed = new build.Image(
      `${name}-${image.flavour}-${variantOf(image)}`,
      transformed(args.transform, {
        ...made,
        ...this.#builder(image, args),
        tags: [pulumi.interpolate`${repository}:${variantOf(image)}-${content}`],
        push: true,
        // Here and not at the provider: there a token that changes would be a change at every run.
        registries: [{ ...args.registry, password: pulumi.secret(args.registry.password) }],
      }),
      { parent: this, retainOnDelete: true },
    );
    return pulumi.interpolate`${repository}@${pushed.digest}`;
  }

  /** A builder of BuildKit's own fills the cache; where base image and source are this machine's alone, the engine's builds. */
  #builder(image: ImagePlan, { recipe, cacheRepository }: PushedImagesArgs): Partial<build.ImageArgs> {
    if (recipe.builder === "engine") return ENGINES_OWN_BUILDER;
    if (!cacheRepository) return {};
    const ref = pulumi.interpolate`${cacheRepository}:${image.flavour}-${variantOf(image)}`;
    return {
      cacheFrom: [{ registry: { ref } }],
      // ECR takes a cache only as an image manifest.
      cacheTo: [{ registry: { ref, mode: build.CacheMode.Max, imageManifest: true, ociMediaTypes: true } }],
    };
  }
}

const variantOf = ({ role, architecture }: ImagePlan) => `${role}-${architecture.replace("/", "-")}`;
