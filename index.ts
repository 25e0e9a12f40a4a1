import * as pulumi from "@pulumi/pulumi";
import { checkedByAccount, clusterOf } from "./components/create.ts";
import { exitOnUserError } from "./components/user-error.ts";
import { containerArchitecture } from "./config/architecture.ts";
import { sectionsFromEngine } from "./config/engine.ts";
import { readMachine } from "./config/machine.ts";
import { parseCluster } from "./config/parse.ts";
import { assertRunnable, planCluster } from "./plan/index.ts";
import { readModelFacts } from "./plan/model/facts.ts";
import { formatPlan } from "./report/text.ts";

const stack = pulumi.getStack();
const projectRoot = import.meta.dirname;

const decided = await exitOnUserError(async () => {
  const config = parseCluster(sectionsFromEngine(pulumi.runtime.allConfig(), pulumi.getProject()));
  const plan = planCluster(config, await readModelFacts(config.model.source, projectRoot), {
    stack,
    architecture: containerArchitecture(process.arch),
  });
  const checked = await checkedByAccount(assertRunnable(plan), stack);
  return { config, plan: assertRunnable(checked), machine: readMachine(projectRoot), stack, projectRoot };
});
if (pulumi.runtime.isDryRun()) pulumi.log.info(`\n${formatPlan(decided.plan)}`);

const cluster = await clusterOf(decided);

export const endpoint = cluster.endpoint;
export const apiKey = cluster.apiKey;
export const connect = cluster.connect;
export const plan = decided.plan;
export const hourlyUsd = decided.plan.hourlyUsd;
