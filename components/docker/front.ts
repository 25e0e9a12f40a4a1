import { basename } from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { ModelPlan } from "../../plan/plan.ts";
import { MODEL_DIRECTORY } from "../../plan/resources/flags.ts";
import type { FrontPlan } from "../../plan/resources/plans.ts";
import { type Transform, transformed } from "../transform.ts";
import { type ApiKey, SECRETS_FOLDER } from "./api-key.ts";
import type { Backend } from "./backend.ts";
import { environmentOf } from "./environment.ts";
import { gpuRequest } from "./gpus.ts";
import { hardened } from "./hardening.ts";
import { labelsOf, physicalName } from "./naming.ts";
import type { ClusterNetworks } from "./network.ts";

export interface FrontArgs {
  stack: string;
  plan: FrontPlan;
  model: ModelPlan;
  /** Image id of the server role. */
  image: pulumi.Input<string>;
  networks: ClusterNetworks;
  key: ApiKey;
  /** The front is created after them and removed before them. */
  backends: readonly Backend[];
  /** Escape hatch for the container. @default none */
  transform?: Transform<docker.ContainerArgs> | undefined;
}

/** `llama-server`, connected to the backends' addresses and published on the loopback address. */
export class Front extends pulumi.ComponentResource {
  readonly container: docker.Container;
  /** URL of the API on this machine. */
  readonly endpoint: pulumi.Output<string>;

  constructor(name: string, args: FrontArgs, opts?: pulumi.ComponentResourceOptions) {
    const { stack, plan, model, networks } = args;
    super(
      "llama-rpc-cluster:docker:Front",
      name,
      {
        stack,
        model: model.name,
        flavour: plan.flavour,
        address: plan.address,
        hostPort: plan.hostPort,
        memoryBytes: plan.containerMemoryBytes,
      },
      opts,
    );
    if (model.file === null) throw new Error(`${model.source}: the docker target needs a model file on this machine.`);
    this.container = new docker.Container(
      name,
      transformed(args.transform, {
        name: physicalName(stack, "front"),
        hostname: "front",
        image: args.image,
        ...hardened(plan.containerMemoryBytes),
        ...gpuRequest(plan.gpus),
        envs: environmentOf(plan.environment),
        command: plan.arguments,
        networksAdvanced: [{ name: networks.rpc.name, ipv4Address: plan.address }, { name: networks.edge.name }],
        ports: [{ internal: plan.port, external: plan.hostPort, ip: plan.hostAddress }],
        volumes: [
          { volumeName: args.key.volume.name, containerPath: SECRETS_FOLDER, readOnly: true },
          // llama.cpp looks for the other parts of a split model beside the first.
          ...[model.file, ...(model.furtherFiles ?? [])].map((file) => ({
            hostPath: file,
            containerPath: `${MODEL_DIRECTORY}/${basename(file)}`,
            readOnly: true,
          })),
        ],
        healthcheck: {
          tests: ["CMD", "/app/healthcheck.sh"],
          interval: "2s",
          timeout: "5s",
          startPeriod: goDuration(plan.startupSeconds),
          retries: 3,
        },
        // The update ends when the front answers, or fails after the plan's limit.
        wait: true,
        waitTimeout: plan.startupSeconds,
        labels: [
          ...labelsOf(stack, "front"),
          // llama-server can't outlive a backend: a new backend needs a new front, and `up` waits for it.
          {
            label: "llama-rpc-cluster/backends",
            value: pulumi.all(args.backends.map((b) => b.container.id)).apply(joined),
          },
        ],
      }),
      {
        parent: this,
        deleteBeforeReplace: true,
        dependsOn: [args.key.holder, ...args.backends.map((backend) => backend.container)],
      },
    );
    this.endpoint = pulumi.output(`http://${plan.hostAddress}:${plan.hostPort}`);
    this.registerOutputs({ endpoint: this.endpoint });
  }
}

const joined = (ids: string[]) => ids.map((id) => id.slice(0, 12)).join(",");

/** Formats seconds as Go prints a duration. The provider reads it back in this form, and another form would be a difference. */
export function goDuration(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = seconds % 60;
  if (hours > 0) return `${hours}h${minutes}m${rest}s`;
  return minutes > 0 ? `${minutes}m${rest}s` : `${rest}s`;
}
