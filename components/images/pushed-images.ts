import * as build from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import type { Flavour } from "../../config/words.ts";
import type { ImagePlan } from "../../plan/resources/plans.ts";
import { type Transform, transformed } from "../transform.ts";
import { CONTEXT, ENGINES_OWN_BUILDER, type ImageRecipe, imageBuild, imagesInputs, PlannedImages } from "./build.ts";
import { contextDigest } from "./digest.ts";

/** Credentials of the builder for the registry. */
export interface RegistryLogin {
  /** Host, with its port if it has one. */
  address: pulumi.Input<string>;
  username: pulumi.Input<string>;
  /** Password or token; kept as a secret. A new token at every run, as ECR gives, does not change an image. */
  password: pulumi.Input<string>;
}

export interface PushedImagesArgs {
  /** Images that the plan asks for. */
  images: readonly ImagePlan[];
  recipe: ImageRecipe;
  /** Stack that owns the images; one of their labels. */
  stack: string;
  /** Repository of each flavour that is built: `<registry>/<repository>`; its tags may be immutable. */
  repositories: Partial<Record<Flavour, pulumi.Input<string>>>;
  /** Repository of the build cache; its tags are moved at every build. @default no cache outside the builder */
  cacheRepository?: pulumi.Input<string> | null | undefined;
  registry: RegistryLogin;
  /** Escape hatch for the builds; a transform that changes the content must change `tags` too. @default none */
  transform?: Transform<build.ImageArgs> | undefined;
}

/**
 * The llama.cpp images of a cluster whose machines pull from a registry: one image for each flavour, role and
 * architecture in use, pushed under a tag with a hash of its content, identified by digest. `LocalImages` is the counterpart
 * for this machine's own engine.
 *
 * The images outlive this component, because a machine that still runs an older one must be able to pull it again. They are
 * removed with their repository.
 *
 * ### Cost
 * The registry's storage: about 0.1 GB for each CPU image, 1 to 2 GB for each CUDA image, and the cache.
 * Compiling llama.cpp takes about 16 minutes on 2 cores for each architecture; cached layers are not compiled again.
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
   * @throws if the plan has no such image
   */
  imageOf(image: ImagePlan): pulumi.Output<string> {
    return this.#images.imageOf(image);
  }

  #push(name: string, image: ImagePlan, args: PushedImagesArgs): pulumi.Output<string> {
    const repository = args.repositories[image.flavour];
    if (repository === undefined) throw new Error(`No repository for images of flavour ${image.flavour}.`);
    const made = imageBuild(image, args.recipe, args.stack);
    // A tag is written once, so everything that makes the provider build again must change it, also a file's mode.
    const content = contextDigest(CONTEXT, made.buildArgs, { modes: true });
    const pushed = new build.Image(
      `${name}-${image.flavour}-${variantOf(image)}`,
      transformed(args.transform, {
        ...made,
        ...this.#builder(image, args),
        tags: [pulumi.interpolate`${repository}:${variantOf(image)}-${content}`],
        push: true,
        // Not on the provider, where a new token would be a change at every run.
        registries: [{ ...args.registry, password: pulumi.secret(args.registry.password) }],
      }),
      { parent: this, retainOnDelete: true },
    );
    return pulumi.interpolate`${repository}@${pushed.digest}`;
  }

  /** A BuildKit builder fills the cache. If only this machine has the base image and the source, the engine builds. */
  #builder(image: ImagePlan, { recipe, cacheRepository }: PushedImagesArgs): Partial<build.ImageArgs> {
    if (recipe.builder === "engine") return ENGINES_OWN_BUILDER;
    if (!cacheRepository) return {};
    const ref = pulumi.interpolate`${cacheRepository}:${image.flavour}-${variantOf(image)}`;
    return {
      cacheFrom: [{ registry: { ref } }],
      // ECR accepts a cache only as an image manifest.
      cacheTo: [{ registry: { ref, mode: build.CacheMode.Max, imageManifest: true, ociMediaTypes: true } }],
    };
  }
}

const variantOf = ({ role, architecture }: ImagePlan) => `${role}-${architecture.replace("/", "-")}`;
