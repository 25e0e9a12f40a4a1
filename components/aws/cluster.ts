import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { ModelFile } from "../../aws/transfer/model-files.ts";
import type { ClusterPlan } from "../../plan/plan.ts";
import type { ImageRecipe, ImageReferences } from "../images/build.ts";
import type { Transform } from "../transform.ts";
import { Access } from "./access/index.ts";
import { ApiKey } from "./api-key.ts";
import { Guardrails } from "./guardrails.ts";
import { Backends } from "./machines/backends.ts";
import { BootObjects } from "./machines/boot-objects.ts";
import { Front } from "./machines/front.ts";
import { MachineImages } from "./machines/machine-images.ts";
import type { NodeSurroundings } from "./machines/node.ts";
import { ModelStore } from "./model/model-store.ts";
import { type ClusterContext, physicalName, tagsOf } from "./naming.ts";
import { ExistingNetwork, OwnNetwork } from "./network/index.ts";
import { SecurityGroups } from "./network/security.ts";
import { ClusterImages } from "./registry/images.ts";

export interface AwsClusterArgs {
  plan: ClusterPlan;
  /** Stack that owns the cluster; part of every physical name. */
  stack: string;
  /** What the runtime images are made of. */
  recipe: ImageRecipe;
  /** Images that exist already. @default every image is built */
  references?: ImageReferences | undefined;
  /** Files of the model, and where each is now. */
  modelFiles: readonly ModelFile[];
  /** Escape hatch for every machine. @default none */
  transform?: { instance?: Transform<aws.ec2.InstanceArgs> };
}

/** Longest retry of a call that AWS throttles; with more of them, a type that is sold out looks like a hang. */
const RETRIES = 5;

/**
 * A cluster on EC2: machines in one zone of a network without a way out, their images in ECR and the model in S3, a front
 * that is reached as the plan says. `pulumi destroy` removes all of it.
 *
 * ### Cost
 * What the plan says, per hour and per month; `docs/aws.md` lists it by resource.
 */
export class AwsCluster extends pulumi.ComponentResource {
  /** URL of the front. */
  readonly endpoint: pulumi.Output<string>;
  /** Key of the API; a secret. */
  readonly apiKey: pulumi.Output<string>;
  /** Command that makes the endpoint reachable; empty where it is. */
  readonly connect: pulumi.Output<string>;

  constructor(name: string, args: AwsClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    const { plan, stack } = args;
    if (plan.aws === null) throw new Error("The plan is not one of target aws.");
    const provider = new aws.Provider("aws", { region: plan.aws.region, maxRetries: RETRIES }, opts);
    super("llama-rpc-cluster:aws:AwsCluster", name, {}, { ...opts, providers: [provider] });
    const context: ClusterContext = { stack, plan: plan.aws };
    const inside = { parent: this };

    const network =
      plan.aws.network.kind === "own"
        ? new OwnNetwork("network", { context, plan: plan.aws.network }, inside)
        : new ExistingNetwork(plan.aws.network, plan.aws.region, inside);
    const groups = new SecurityGroups("security", { context, network }, inside);
    const images = new ClusterImages(
      "images",
      { context, images: plan.images, recipe: args.recipe, references: args.references ?? {} },
      inside,
    );
    const store = new ModelStore("models", { context, network }, inside);
    const scripts = new BootObjects("boot", { context, bucket: store.bucket, readiness: store.readiness }, inside);
    const guardrails = new Guardrails("guardrails", { context }, inside);
    const placementGroup = new aws.ec2.PlacementGroup(
      "placement",
      { name: physicalName(context, "cluster"), strategy: "cluster", tags: tagsOf(context, "network", "placement") },
      inside,
    );
    const surroundings: NodeSurroundings = {
      context,
      network,
      placementGroup,
      store,
      scripts,
      scheduler: guardrails.scheduler,
      alarmTopic: guardrails.topic,
      machineImages: new MachineImages(
        "machine-images",
        { parameters: plan.machines.map(({ imageParameter }) => imageParameter) },
        inside,
      ),
      transform: args.transform?.instance,
    };
    const key = new ApiKey("api-key", { context }, inside);
    const backends = new Backends("backends", { surroundings, plan, groups, images }, inside);
    const front = new Front(
      "front",
      { surroundings, plan, groups, images, key, backends, modelFiles: args.modelFiles },
      inside,
    );
    const access = new Access(
      "access",
      {
        context,
        network,
        frontGroup: groups.front,
        frontAddress: plan.front.address,
        instanceId: front.node.instance.id,
        alarmTopic: guardrails.topic,
      },
      inside,
    );

    this.endpoint = access.endpoint;
    this.apiKey = key.value;
    this.connect = access.connect;
    this.registerOutputs({ endpoint: this.endpoint, apiKey: this.apiKey, connect: this.connect });
  }
}
