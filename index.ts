import * as pulumi from "@pulumi/pulumi";
import { checkedByTarget } from "./components/check.ts";
import { createAwsCluster, createDockerCluster } from "./components/create.ts";
import { exitOnUserError } from "./components/user-error.ts";
import { containerArchitecture } from "./config/architecture.ts";
import { sectionsFromEngine } from "./config/engine.ts";
import { readMachine } from "./config/machine.ts";
import { parseCluster } from "./config/parse.ts";
import { assertRunnable, planCluster } from "./plan/index.ts";
import { readModelFacts } from "./plan/model/facts.ts";
import { formatSummary } from "./report/summary.ts";
import { formatPlan } from "./report/text.ts";
import { transform } from "./stacks/transform.ts";

const stack = pulumi.getStack();
const projectRoot = import.meta.dirname;

const decided = await exitOnUserError(decide);
pulumi.log.info(pulumi.runtime.isDryRun() ? `\n${formatPlan(decided.plan)}` : formatSummary(decided.plan, stack));

const cluster =
  decided.plan.target === "aws"
    ? await createAwsCluster(stack, { ...decided, projectRoot, transform })
    : await createDockerCluster(stack, { ...decided, projectRoot, transform });

export const { endpoint, apiKey, connect } = cluster;
/** The whole plan as JSON. An asset, because the engine shows its name alone: the plan would fill screens. */
export const plan = new pulumi.asset.StringAsset(JSON.stringify(decided.plan));
export const hourlyUsd = decided.plan.hourlyUsd;

/** Everything that is known before the first resource. Throws every problem at once, and then nothing is created. */
async function decide() {
  const config = parseCluster(sectionsFromEngine(pulumi.runtime.allConfig(), pulumi.getProject()));
  const facts = await readModelFacts(config.model.source, projectRoot);
  const architecture = containerArchitecture(process.arch);
  const planned = planCluster(config, facts, { stack, architecture });
  const checked = await checkedByTarget(planned, stack, config.images);
  return { config, plan: assertRunnable(checked), machine: readMachine(projectRoot) };
}
