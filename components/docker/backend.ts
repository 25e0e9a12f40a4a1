import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { BackendPlan } from "../../plan/resources/plans.ts";
import { type Transform, transformed } from "../transform.ts";
import { environmentOf } from "./environment.ts";
import { gpuRequest } from "./gpus.ts";
import { hardened } from "./hardening.ts";
import { labelsOf, physicalName } from "./naming.ts";

export interface BackendArgs {
  stack: string;
  plan: BackendPlan;
  /** Image id of the backend role. */
  image: pulumi.Input<string>;
  /** The internal network, a backend's only one. */
  network: docker.Network;
  /** Escape hatch for the container. @default none */
  transform?: Transform<docker.ContainerArgs> | undefined;
}

/** One `ggml-rpc-server` in a container that only the front reaches, with a weight cache that outlives the container. */
export class Backend extends pulumi.ComponentResource {
  readonly container: docker.Container;

  constructor(name: string, args: BackendArgs, opts?: pulumi.ComponentResourceOptions) {
    const { stack, plan } = args;
    super(
      "llama-rpc-cluster:docker:Backend",
      name,
      {
        stack,
        backend: plan.name,
        flavour: plan.flavour,
        address: plan.address,
        memoryBytes: plan.containerMemoryBytes,
      },
      opts,
    );
    const cache = new docker.Volume(
      `${name}-cache`,
      { name: physicalName(stack, `${plan.name}-cache`), labels: labelsOf(stack, "cache") },
      { parent: this, deleteBeforeReplace: true },
    );
    this.container = new docker.Container(
      name,
      transformed(args.transform, {
        name: physicalName(stack, plan.name),
        hostname: plan.name,
        image: args.image,
        ...hardened(plan.containerMemoryBytes),
        ...gpuRequest(plan.gpus),
        envs: environmentOf(plan.environment),
        command: plan.arguments,
        networksAdvanced: [{ name: args.network.name, ipv4Address: plan.address }],
        volumes: [{ volumeName: cache.name, containerPath: "/cache" }],
        labels: labelsOf(stack, "backend"),
      }),
      // The fixed name and address become free only when the old container is deleted.
      { parent: this, deleteBeforeReplace: true },
    );
    this.registerOutputs();
  }
}
