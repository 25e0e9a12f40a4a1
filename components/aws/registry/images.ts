import type * as build from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import type { Architecture, Flavour, Role } from "../../../config/words.ts";
import type { ImagePlan } from "../../../plan/resources/plans.ts";
import { formerly } from "../../aliases.ts";
import { type ImageRecipe, type ImageReferences, imagesInputs } from "../../images/build.ts";
import { PushedImages } from "../../images/pushed-images.ts";
import type { Transform } from "../../transform.ts";
import type { ClusterContext } from "../naming.ts";
import { ImageRegistry } from "./image-registry.ts";

/** An image that machines pull. */
export interface ImageSource {
  /** Always by digest: `<registry>/<repository>@sha256:…`. */
  reference: pulumi.Output<string>;
  /** ARN that a machine's role must be allowed to pull from; null outside ECR. */
  repositoryArn: pulumi.Output<string> | null;
}

export interface ClusterImagesArgs {
  context: ClusterContext;
  images: readonly ImagePlan[];
  recipe: ImageRecipe;
  /** Existing images to use; nothing is built for their flavours. */
  references: ImageReferences;
  /** Escape hatch for the builds. @default none */
  transform?: Transform<build.ImageArgs> | undefined;
}

/**
 * The images of a cluster: built for its machines' architectures and pushed to ECR, or existing ones.
 *
 * ### Cost
 * 0.10 US dollars per GB and month for one to two gigabytes.
 */
export class ClusterImages extends pulumi.ComponentResource {
  readonly #pushed: PushedImages;
  readonly #registry: ImageRegistry;
  readonly #references: ImageReferences;

  constructor(name: string, args: ClusterImagesArgs, opts?: pulumi.ComponentResourceOptions) {
    const { context, images, recipe, references, transform } = args;
    super("llama-rpc-cluster:aws:ClusterImages", name, imagesInputs({ images, recipe, stack: context.stack }), opts);
    const isBuilt = ({ flavour }: ImagePlan) => references[flavour] === undefined;
    const built = images.filter(isBuilt);
    this.#references = references;
    this.#registry = new ImageRegistry(
      `${name}-registry`,
      { context, flavours: [...new Set(built.map(({ flavour }) => flavour))].sort() },
      { parent: this, ...formerly(`${name}-registry`, "registry") },
    );
    this.#pushed = new PushedImages(
      name,
      {
        images: built,
        recipe,
        stack: context.stack,
        repositories: this.#registry.urls,
        cacheRepository: this.#registry.cacheUrl,
        registry: this.#registry.login,
        transform,
      },
      { parent: this },
    );
    this.registerOutputs();
  }

  /** The image of a flavour, a role and an architecture. @throws if the plan has no such image */
  imageOf(flavour: Flavour, role: Role, architecture: Architecture): ImageSource {
    const existing = this.#references[flavour];
    if (existing === undefined) {
      return {
        reference: this.#pushed.imageOf({ flavour, role, architecture }),
        repositoryArn: this.#registry.arns[flavour] ?? null,
      };
    }
    const reference = existing[role];
    if (reference === undefined) throw new Error(`images.${flavour}.${role} is needed and not given`);
    const arn = repositoryArn(reference);
    return { reference: pulumi.output(reference), repositoryArn: arn === null ? null : pulumi.output(arn) };
  }
}

/** ARN of the repository that a reference to an image in ECR names; null for an image elsewhere. */
export function repositoryArn(reference: string): string | null {
  const [, account, region, repository] =
    /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\/([^@:]+)/.exec(reference) ?? [];
  return repository === undefined ? null : `arn:aws:ecr:${region}:${account}:repository/${repository}`;
}
