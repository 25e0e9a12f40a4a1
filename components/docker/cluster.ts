import type * as docker from "@pulumi/docker";
import type * as build from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterPlan } from "../../plan/plan.ts";
import type { ImageRecipe, ImageReferences } from "../images/build.ts";
import { RuntimeImages } from "../images/local-images.ts";
import type { Transform } from "../transform.ts";
import { ApiKey } from "./api-key.ts";
import { Backend } from "./backend.ts";
import { Front } from "./front.ts";
import { ClusterNetworks } from "./network.ts";

export interface DockerClusterArgs {
  plan: ClusterPlan;
  /** Stack that owns the cluster; part of every physical name. */
  stack: string;
  /** What the runtime images are made of. */
  recipe: ImageRecipe;
  /** Images that exist already. @default every image is built */
  references?: ImageReferences | undefined;
  /** Escape hatches, one per kind of child. @default none */
  transform?: {
    image?: Transform<build.ImageArgs>;
    front?: Transform<docker.ContainerArgs>;
    backend?: Transform<docker.ContainerArgs>;
  };
}

/**
 * A cluster on this machine's Docker engine: backends in an internal network, a front published on the loopback
 * address, an API key. `pulumi destroy` removes containers, networks, volumes and images.
 *
 * ### Cost
 * Nothing but this machine's memory, as the plan says per container.
 */
export class DockerCluster extends pulumi.ComponentResource {
  /** URL of the front. */
  readonly endpoint: pulumi.Output<string>;
  /** Key of the API; a secret. */
  readonly apiKey: pulumi.Output<string>;
  /** Command that makes the endpoint reachable; empty, because it is. */
  readonly connect = "";

  constructor(name: string, args: DockerClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("llama-rpc-cluster:docker:DockerCluster", name, {}, opts);
    const { plan, stack } = args;
    const inside = { parent: this };

    const images = new RuntimeImages(
      "images",
      {
        images: plan.images,
        recipe: args.recipe,
        references: args.references,
        stack,
        transform: args.transform?.image,
      },
      inside,
    );
    const serverImage = images.idOf(plan.front.flavour, "server");
    const networks = new ClusterNetworks("network", { stack, network: plan.network }, inside);
    const key = new ApiKey("api-key", { stack, image: serverImage }, inside);
    const backends = plan.backends.map(
      (backend) =>
        new Backend(
          backend.name,
          {
            stack,
            plan: backend,
            image: images.idOf(backend.flavour, "backend"),
            network: networks.rpc,
            transform: args.transform?.backend,
          },
          inside,
        ),
    );
    const front = new Front(
      "front",
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
      inside,
    );

    this.endpoint = front.endpoint;
    this.apiKey = key.value;
    this.registerOutputs({ endpoint: this.endpoint, apiKey: this.apiKey, connect: this.connect });
  }
}
