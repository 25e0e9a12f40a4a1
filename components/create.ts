import * as pulumi from "@pulumi/pulumi";
import type { Machine } from "../config/machine.ts";
import type { ClusterConfig } from "../config/schema/index.ts";
import type { ClusterPlan } from "../plan/plan.ts";
import type { ImageRecipe } from "./images/build.ts";

/** What the program of a stack knows before the first resource. */
export interface Decided {
  config: ClusterConfig;
  plan: ClusterPlan;
  machine: Machine;
  stack: string;
  /** Directory that the paths of the stack file are relative to. */
  projectRoot: string;
}

/** What every target hands out. */
export interface Cluster {
  endpoint: pulumi.Output<string>;
  apiKey: pulumi.Output<string>;
  connect: pulumi.Input<string>;
}

/**
 * The plan with what the account that it is for has to say: quotas, zones, a network that exists. Where there are no machines
 * to rent, or AWS can't be asked, the plan stays as it is.
 */
export async function checkedByAccount(plan: ClusterPlan, stack: string): Promise<ClusterPlan> {
  if (plan.aws === null) return plan;
  const { preflight } = await import("../aws/account/preflight.ts");
  const checked = await preflight(plan, stack);
  if (checked.note !== null) pulumi.log.warn(checked.note);
  return checked.plan;
}

/** Makes the cluster on the plan's target, and loads nothing of the others: the SDK of one alone takes seconds. */
export async function clusterOf(decided: Decided): Promise<Cluster> {
  const { config, plan, machine, stack, projectRoot } = decided;
  const recipe: ImageRecipe = {
    version: config.images.version,
    repository: config.images.repository,
    buildArgs: machine.buildArgs,
    builder: machine.builder,
  };
  const references = { cpu: config.images.cpu, cuda: config.images.cuda };
  switch (plan.target) {
    case "docker": {
      const { DockerCluster } = await import("./docker/cluster.ts");
      return new DockerCluster("cluster", { plan, stack, recipe, references });
    }
    case "aws": {
      const [{ AwsCluster }, { modelFiles }] = await Promise.all([
        import("./aws/cluster.ts"),
        import("../aws/transfer/model-files.ts"),
      ]);
      return new AwsCluster("cluster", {
        plan,
        stack,
        recipe,
        references,
        modelFiles: await modelFiles(config.model.source, projectRoot, config.model.sha256),
      });
    }
  }
}
