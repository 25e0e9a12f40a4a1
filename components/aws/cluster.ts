import * as aws from "@pulumi/aws";
import type * as build from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import type { ModelFile } from "../../aws/transfer/model-files.ts";
import type { ClusterPlan } from "../../plan/plan.ts";
import { formerly } from "../aliases.ts";
import type { ImageRecipe, ImageReferences } from "../images/build.ts";
import { clusterInputs } from "../inputs.ts";
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
  /** Sources of the runtime images. */
  recipe: ImageRecipe;
  /** Existing images to use. @default every image is built */
  references?: ImageReferences | undefined;
  /** Files of the model, with their sources. */
  modelFiles: readonly ModelFile[];
  /** Escape hatches. @default none */
  transform?: AwsTransform | undefined;
}

/** Escape hatches for the kinds of children. */
export interface AwsTransform {
  /** Each build of an image; a transform that changes the content must change `tags` too. */
  image?: Transform<build.ImageArgs>;
  /** Each machine. */
  instance?: Transform<aws.ec2.InstanceArgs>;
}

/**
 * A cluster on EC2: machines in one zone of a network without Internet access, images in ECR, the model in S3, and the access
 * to the front that the plan chooses. `pulumi destroy` removes all of it.
 *
 * ### Cost
 * The plan gives it per hour and per month; `docs/aws.md` lists it by resource.
 */
export class AwsCluster extends pulumi.ComponentResource {
  /** URL of the front. */
  readonly endpoint: pulumi.Output<string>;
  /** Key of the API; a secret. */
  readonly apiKey: pulumi.Output<string>;
  /** Command that makes the endpoint reachable; empty if none is needed. */
  readonly connect: string;

  constructor(name: string, args: AwsClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    const { plan, stack } = args;
    if (plan.aws === null) throw new Error("The plan is not for target aws.");
    super("llama-rpc-cluster:aws:AwsCluster", name, clusterInputs(plan, stack), opts);
    const context: ClusterContext = { stack, plan: plan.aws };
    const child = (kind: string) => ({ parent: this, ...formerly(`${name}-${kind}`, kind) });

    const network =
      plan.aws.network.kind === "own"
        ? new OwnNetwork(`${name}-network`, { context, plan: plan.aws.network }, child("network"))
        : new ExistingNetwork(plan.aws.network, plan.aws.region, { parent: this });
    const groups = new SecurityGroups(`${name}-security`, { context, network }, child("security"));
    const images = new ClusterImages(
      `${name}-images`,
      {
        context,
        images: plan.images,
        recipe: args.recipe,
        references: args.references ?? {},
        transform: args.transform?.image,
      },
      child("images"),
    );
    const store = new ModelStore(`${name}-models`, { context, network }, child("models"));
    const scripts = new BootObjects(
      `${name}-boot`,
      { context, bucket: store.bucket, readiness: store.readiness },
      child("boot"),
    );
    const guardrails = new Guardrails(`${name}-guardrails`, { context }, child("guardrails"));
    const placementGroup = new aws.ec2.PlacementGroup(
      `${name}-placement`,
      { name: physicalName(context, "cluster"), strategy: "cluster", tags: tagsOf(context, "network", "placement") },
      child("placement"),
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
        `${name}-machine-images`,
        { parameters: plan.machines.map(({ imageParameter }) => imageParameter) },
        child("machine-images"),
      ),
      transform: args.transform?.instance,
    };
    const key = new ApiKey(`${name}-api-key`, { context }, child("api-key"));
    const backends = new Backends(
      // Without a prefix, because IAM limits a role's name to 64 characters and machines can have long names.
      name,
      { surroundings, plan, groups, images },
      { parent: this, ...formerly(name, "backends") },
    );
    const front = new Front(
      `${name}-front`,
      { surroundings, plan, groups, images, key, backends, modelFiles: args.modelFiles },
      child("front"),
    );
    const access = new Access(
      `${name}-access`,
      {
        context,
        network,
        frontGroup: groups.front,
        frontAddress: plan.front.address,
        instanceId: front.node.instance.id,
        alarmTopic: guardrails.topic,
      },
      child("access"),
    );

    this.endpoint = access.endpoint;
    this.apiKey = key.value;
    // The engine cuts long outputs on the screen; `npm run connect` reads the long command from the state.
    this.connect = access.command === null ? "" : `npm run connect -- -s ${stack}`;
    this.registerOutputs({
      endpoint: this.endpoint,
      apiKey: this.apiKey,
      connect: this.connect,
      connectCommand: access.command ?? "",
    });
  }
}
