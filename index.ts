import * as pulumi from "@pulumi/pulumi";
import { DockerCluster } from "./components/docker/cluster.ts";
import { orRefuse } from "./components/support/refusal.ts";
import { containerArchitecture } from "./config/architecture.ts";
import { sectionsFromEngine } from "./config/engine.ts";
import { readMachine } from "./config/machine.ts";
import { parseCluster } from "./config/parse.ts";
import { formatPlan } from "./plan/format.ts";
import { assertRunnable, planCluster } from "./plan/index.ts";
import { readModelFacts } from "./plan/model/facts.ts";

const stack = pulumi.getStack();
const root = import.meta.dirname;

const { config, machine, ...decided } = await orRefuse(async () => {
  const config = parseCluster(sectionsFromEngine(pulumi.runtime.allConfig(), pulumi.getProject()));
  const plan = planCluster(config, await readModelFacts(config.model.source, root), {
    stack,
    architecture: containerArchitecture(process.arch),
  });
  assertRunnable(plan);
  return { config, plan, machine: readMachine(root) };
});
if (pulumi.runtime.isDryRun()) pulumi.log.info(`\n${formatPlan(decided.plan)}`);

const cluster = new DockerCluster("cluster", {
  plan: decided.plan,
  stack,
  recipe: {
    version: config.images.version,
    repository: config.images.repository,
    sourceImage: machine.llamaCppSourceImage,
    cudaFrom: machine.cudaFrom,
  },
  references: { cpu: config.images.cpu, cuda: config.images.cuda },
});

export const endpoint = cluster.endpoint;
export const apiKey = cluster.apiKey;
export const connect = cluster.connect;
export const plan = decided.plan;
export const hourlyUsd = decided.plan.hourlyUsd;
