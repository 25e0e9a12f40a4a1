import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Flavour } from "../../../config/words.ts";
import { type ClusterContext, type ResourceRole, tagsOf } from "../naming.ts";

export interface ImageRegistryArgs {
  context: ClusterContext;
  /** Flavours whose images are built; each gets a repository. */
  flavours: readonly Flavour[];
}

/** Images to keep; role, architecture and manifest count separately, so this is at least a dozen versions. */
const KEPT_IMAGES = 100;
/** How long layers of the build cache are kept. */
const CACHE_DAYS = 14;

/**
 * The cluster's repositories in ECR: one for each flavour, with immutable tags, and one for the build cache.
 *
 * ### Cost
 * 0.10 US dollars per GB and month.
 */
export class ImageRegistry extends pulumi.ComponentResource {
  /** Address of each flavour's repository. */
  readonly urls: Partial<Record<Flavour, pulumi.Output<string>>> = {};
  readonly arns: Partial<Record<Flavour, pulumi.Output<string>>> = {};
  /** Repository of the build cache. */
  readonly cacheUrl: pulumi.Output<string> | null;
  /** Credentials for the builder; the token is valid for twelve hours. */
  readonly login: { address: pulumi.Output<string>; username: pulumi.Output<string>; password: pulumi.Output<string> };

  constructor(name: string, args: ImageRegistryArgs, opts?: pulumi.ComponentResourceOptions) {
    const { context, flavours } = args;
    super("llama-rpc-cluster:aws:ImageRegistry", name, { flavours: [...flavours] }, opts);
    for (const flavour of flavours) {
      const repository = this.#repository(name, context, flavour, "registry");
      this.urls[flavour] = repository.repositoryUrl;
      this.arns[flavour] = repository.arn;
    }
    this.cacheUrl =
      flavours.length === 0 ? null : this.#repository(name, context, "cache", "registry-cache").repositoryUrl;
    const token = aws.ecr.getAuthorizationTokenOutput({}, { parent: this });
    this.login = {
      address: token.proxyEndpoint.apply((url) => url.replace(/^https:\/\//, "")),
      username: token.userName,
      password: pulumi.secret(token.password),
    };
    this.registerOutputs();
  }

  #repository(
    prefix: string,
    context: ClusterContext,
    folder: Flavour | "cache",
    role: ResourceRole,
  ): aws.ecr.Repository {
    const isCache = folder === "cache";
    const name = `${prefix}-${folder}`;
    const repository = new aws.ecr.Repository(
      name,
      {
        name: `llama-rpc-cluster/${context.stack}/${folder}`,
        // The builder overwrites the cache under the same tag.
        imageTagMutability: isCache ? "MUTABLE" : "IMMUTABLE",
        imageScanningConfiguration: { scanOnPush: !isCache },
        encryptionConfigurations: [{ encryptionType: "AES256" }],
        forceDelete: !context.plan.isProtected,
        tags: tagsOf(context, role, folder),
      },
      { parent: this },
    );
    new aws.ecr.LifecyclePolicy(
      name,
      {
        repository: repository.name,
        policy: JSON.stringify({
          rules: [
            isCache
              ? {
                  rulePriority: 1,
                  description: "layers for builds",
                  selection: {
                    tagStatus: "any",
                    countType: "sinceImagePushed",
                    countUnit: "days",
                    countNumber: CACHE_DAYS,
                  },
                  action: { type: "expire" },
                }
              : {
                  rulePriority: 1,
                  description: "images of long ago",
                  selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: KEPT_IMAGES },
                  action: { type: "expire" },
                },
          ],
        }),
      },
      { parent: this },
    );
    return repository;
  }
}
