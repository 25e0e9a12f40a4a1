import type * as pulumi from "@pulumi/pulumi";
import type { Machine } from "../config/machine.ts";
import type { ClusterConfig } from "../config/schema/index.ts";
import type { ClusterPlan } from "../plan/plan.ts";
import type { AwsTransform } from "./aws/cluster.ts";
import type { DockerTransform } from "./docker/cluster.ts";
import type { ImageRecipe } from "./images/build.ts";

/** Inputs of a cluster. */
export interface CreateArgs {
  config: ClusterConfig;
  plan: ClusterPlan;
  /** What this machine provides for builds of images. */
  machine: Machine;
  /** Directory that the paths of the stack file are relative to. */
  projectRoot: string;
  /** Changes to single resources. @default none */
  transform?: ClusterTransform | undefined;
}

/** Escape hatches by target and kind of resource; `stacks/transform.ts` says how to use them. */
export interface ClusterTransform {
  docker?: DockerTransform;
  aws?: AwsTransform;
}

/** Outputs of a cluster on every target. */
export interface Cluster {
  endpoint: pulumi.Output<string>;
  /** A secret. */
  apiKey: pulumi.Output<string>;
  /** Command that makes the endpoint reachable; empty if none is needed. */
  connect: string;
}

const NAME = "cluster";
/** Retries of a call that AWS throttles. With more retries, a type that is sold out looks like a hang. */
const RETRIES = 5;

/** Creates the cluster on this machine's Docker engine. Loads Docker's SDK only here: the SDK of one target takes seconds. */
export async function createDockerCluster(stack: string, args: CreateArgs): Promise<Cluster> {
  const { DockerCluster } = await import("./docker/cluster.ts");
  return new DockerCluster(NAME, { ...clusterArgs(stack, args), transform: args.transform?.docker });
}

/** Creates the cluster on EC2, in the region of the plan. Loads AWS's SDK only here. */
export async function createAwsCluster(stack: string, args: CreateArgs): Promise<Cluster> {
  const { config, plan, projectRoot } = args;
  if (plan.aws === null) throw new Error("The plan is not for target aws.");
  const [aws, { AwsCluster }, { modelFiles }] = await Promise.all([
    import("@pulumi/aws"),
    import("./aws/cluster.ts"),
    import("../aws/transfer/model-files.ts"),
  ]);
  const provider = new aws.Provider("aws", { region: plan.aws.region, maxRetries: RETRIES });
  return new AwsCluster(
    NAME,
    {
      ...clusterArgs(stack, args),
      modelFiles: await modelFiles(config.model.source, projectRoot, config.model.sha256),
      transform: args.transform?.aws,
    },
    { provider },
  );
}

function clusterArgs(stack: string, { config, plan, machine }: CreateArgs) {
  const { version, repository, cpu, cuda } = config.images;
  const recipe: ImageRecipe = {
    version,
    repository,
    buildArgs: machine.buildArgs,
    builder: machine.builder,
  };
  return { plan, stack, recipe, references: { cpu, cuda } };
}
