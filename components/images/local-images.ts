import * as docker from "@pulumi/docker";
import * as build from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import type { Flavour, Role } from "../../config/words.ts";
import type { ImagePlan } from "../../plan/resources/plans.ts";
import { type Transform, transformed } from "../transform.ts";
import {
  CONTEXT,
  ENGINES_OWN_BUILDER,
  type ImageRecipe,
  type ImageReferences,
  imageBuild,
  imagesInputs,
  notPlanned,
} from "./build.ts";
import { contextDigest } from "./digest.ts";

export interface LocalImagesArgs {
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

/**
 * The llama.cpp images of a cluster on this machine: built once per flavour and role by the engine's own builder,
 * handed out by image id and removed with the stack. Images given by reference are pulled where they are missing, and
 * stay. `PushedImages` is its counterpart for machines that pull from a registry.
 *
 * ### Cost
 * None but time: compiling llama.cpp takes about 16 minutes on 2 cores the first time; the compiler cache and the
 * layers stay in the engine's build cache when the stack is destroyed.
 */
export class LocalImages extends pulumi.ComponentResource {
  readonly #ids = new Map<string, pulumi.Output<string>>();

  constructor(name: string, args: LocalImagesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("llama-rpc-cluster:images:LocalImages", name, imagesInputs(args), opts);
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
    if (!id) throw notPlanned({ flavour, role });
    return id;
  }

  #adopt(name: string, image: ImagePlan, reference: string): docker.RemoteImage {
    return new docker.RemoteImage(
      `${name}-${keyOf(image.flavour, image.role)}`,
      { name: reference, keepLocally: true },
      { parent: this },
    );
  }

  #build(name: string, image: ImagePlan, args: LocalImagesArgs): docker.RemoteImage {
    const key = keyOf(image.flavour, image.role);
    const made = imageBuild(image, args.recipe, args.stack);
    const tag = `llama-rpc-cluster/${args.stack}-${key}:${contextDigest(CONTEXT, made.buildArgs)}`;
    const built = new build.Image(
      `${name}-${key}-build`,
      transformed(args.transform, { ...made, ...ENGINES_OWN_BUILDER, tags: [tag], load: true, push: false }),
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
