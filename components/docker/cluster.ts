import type * as docker from "@pulumi/docker";
import type * as build from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterPlan } from "../../plan/plan.ts";
import { formerly } from "../aliases.ts";
import type { ImageRecipe, ImageReferences } from "../images/build.ts";
import { LocalImages } from "../images/local-images.ts";
import { clusterInputs } from "../inputs.ts";
import type { Transform } from "../transform.ts";
import { ApiKey } from "./api-key.ts";
import { Backend } from "./backend.ts";
import { Front } from "./front.ts";
import { ClusterNetworks } from "./network.ts";

export interface DockerClusterArgs {
  plan: ClusterPlan;
  /** Stack that owns the cluster; part of every physical name. */
  stack: string;
  /** Sources of the runtime images. */
  recipe: ImageRecipe;
  /** Existing images to use. @default every image is built */
  references?: ImageReferences | undefined;
  /** Escape hatches. @default none */
  transform?: DockerTransform | undefined;
}

/** Escape hatches for the kinds of children. */
export interface DockerTransform {
  /** Each build of an image. */
  image?: Transform<build.ImageArgs>;
  /** The front's container. */
  front?: Transform<docker.ContainerArgs>;
  /** Each backend's container. */
  backend?: Transform<docker.ContainerArgs>;
}

/**
 * A cluster on this machine's Docker engine: backends in an internal network, a front published on the loopback
 * address, and an API key. `pulumi destroy` removes containers, networks, volumes and images.
 *
 * ### Cost
 * None; the plan gives the memory of each container.
 */
export class DockerCluster extends pulumi.ComponentResource {
  /** URL of the front. */
  readonly endpoint: pulumi.Output<string>;
  /** Key of the API; a secret. */
  readonly apiKey: pulumi.Output<string>;
  /** Always empty, because the endpoint is reachable from this machine. */
  readonly connect = "";

  constructor(name: string, args: DockerClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    const { plan, stack } = args;
    super("llama-rpc-cluster:docker:DockerCluster", name, clusterInputs(plan, stack), opts);
    const child = (kind: string, formerType?: string) => ({
      parent: this,
      ...formerly(`${name}-${kind}`, kind, formerType),
    });

    const images = new LocalImages(
      `${name}-images`,
      {
        images: plan.images,
        recipe: args.recipe,
        references: args.references,
        stack,
        transform: args.transform?.image,
      },
      child("images", "llama-rpc-cluster:images:RuntimeImages"),
    );
    const serverImage = images.imageOf({ ...plan.front, role: "server" });
    const networks = new ClusterNetworks(`${name}-network`, { stack, network: plan.network }, child("network"));
    const key = new ApiKey(`${name}-api-key`, { stack, image: serverImage }, child("api-key"));
    const backends = plan.backends.map(
      (backend) =>
        new Backend(
          `${name}-${backend.name}`,
          {
            stack,
            plan: backend,
            image: images.imageOf({ ...backend, role: "backend" }),
            network: networks.rpc,
            transform: args.transform?.backend,
          },
          child(backend.name),
        ),
    );
    const front = new Front(
      `${name}-front`,
      {
        stack,
        plan: plan.front,
        model: plan.model,
        image: serverImage,
        networks,
        key,
        backends,
        transform: args.transform?.front,
      },
      child("front"),
    );

    this.endpoint = front.endpoint;
    this.apiKey = key.value;
    this.registerOutputs({ endpoint: this.endpoint, apiKey: this.apiKey, connect: this.connect });
  }
}
