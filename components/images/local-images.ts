import * as docker from "@pulumi/docker";
import * as build from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import type { ImagePlan } from "../../plan/resources/plans.ts";
import { type Transform, transformed } from "../transform.ts";
import {
  CONTEXT,
  ENGINES_OWN_BUILDER,
  type ImageRecipe,
  type ImageReferences,
  imageBuild,
  imagesInputs,
  PlannedImages,
} from "./build.ts";
import { contextDigest } from "./digest.ts";

export interface LocalImagesArgs {
  /** Images that the plan asks for. */
  images: readonly ImagePlan[];
  recipe: ImageRecipe;
  /** Existing images to use; nothing is built for these flavours. @default none */
  references?: ImageReferences | undefined;
  /** Stack that owns the images; part of their names, so that a destroy keeps another stack's images. */
  stack: string;
  /** Escape hatch for the builds. @default none */
  transform?: Transform<build.ImageArgs> | undefined;
}

/**
 * The llama.cpp images of a cluster on this machine: built once per flavour and role by the engine's own builder,
 * identified by image id and removed with the stack. Images given by reference are pulled if they are missing, and are kept.
 * `PushedImages` is the counterpart for machines that pull from a registry.
 *
 * ### Cost
 * None, only time: compiling llama.cpp takes about 16 minutes on 2 cores the first time; the compiler cache and the
 * layers stay in the engine's build cache when the stack is destroyed.
 */
export class LocalImages extends pulumi.ComponentResource {
  readonly #images: PlannedImages;

  constructor(name: string, args: LocalImagesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("llama-rpc-cluster:images:LocalImages", name, imagesInputs(args), opts);
    this.#images = new PlannedImages(args.images, (image) => {
      const reference = args.references?.[image.flavour]?.[image.role];
      const local = reference ? this.#adopt(name, image, reference) : this.#build(name, image, args);
      return local.imageId;
    });
    this.registerOutputs();
  }

  /**
   * Image id (`sha256:…`).
   * @throws if the plan has no such image
   */
  imageOf(image: ImagePlan): pulumi.Output<string> {
    return this.#images.imageOf(image);
  }

  #adopt(name: string, image: ImagePlan, reference: string): docker.RemoteImage {
    return new docker.RemoteImage(
      `${name}-${variantOf(image)}`,
      { name: reference, keepLocally: true },
      { parent: this },
    );
  }

  #build(name: string, image: ImagePlan, args: LocalImagesArgs): docker.RemoteImage {
    const key = variantOf(image);
    const made = imageBuild(image, args.recipe, args.stack);
    const tag = `llama-rpc-cluster/${args.stack}-${key}:${contextDigest(CONTEXT, made.buildArgs)}`;
    const built = new build.Image(
      `${name}-${key}-build`,
      transformed(args.transform, { ...made, ...ENGINES_OWN_BUILDER, tags: [tag], load: true, push: false }),
      // docker-build can't delete a loaded image, because no registry has it: the RemoteImage below removes it.
      { parent: this, retainOnDelete: true },
    );
    return new docker.RemoteImage(
      `${name}-${key}`,
      { name: tag, keepLocally: false, pullTriggers: [built.digest] },
      { parent: this, dependsOn: [built] },
    );
  }
}

/** Without the architecture, because an engine runs images of one architecture. */
const variantOf = ({ flavour, role }: ImagePlan) => `${flavour}-${role}`;
