/** Turns a configuration and the facts about a model into the plan of a cluster. Pure. */

import { UserError } from "../config/errors.ts";
import type { ClusterConfig } from "../config/schema/index.ts";
import type { Architecture } from "../config/words.ts";
import { costOf } from "./cost/bill.ts";
import type { Finding } from "./findings/finding.ts";
import { findingsOf } from "./findings/index.ts";
import { privateCidr } from "./hosts/addresses.ts";
import type { Cluster } from "./hosts/cluster.ts";
import { resolve } from "./hosts/resolve.ts";
import type { ModelFacts } from "./model/facts.ts";
import { performanceOf } from "./performance.ts";
import { tensorSplitOf } from "./placement/even-split.ts";
import { place } from "./placement/index.ts";
import type { ClusterPlan, ModelPlan } from "./plan.ts";
import { assertStackName, awsPlan } from "./resources/aws.ts";
import { backendPlans, frontPlan, imagePlans } from "./resources/containers.ts";
import { machinePlans } from "./resources/machines.ts";
import { clusterCidr } from "./resources/network.ts";

export { ModelError, type ModelFacts, readModelFacts } from "./model/facts.ts";
export { lookUpModel } from "./model/look-up.ts";
export type { ModelAccess } from "./model/sources.ts";
export type * from "./plan.ts";

/** What a plan depends on, in addition to the configuration and the model. */
export interface PlanContext {
  /** Name of the stack. */
  stack: string;
  /** Architecture of the machine that runs the containers. @default "amd64" */
  architecture?: Architecture;
}

/** A plan with errors. The message is for the user: it has each error with its remedy. */
export class PlanRefused extends UserError {
  override readonly name = "PlanRefused";
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    const lines = findings.map(({ code, number, path, message, remedyText }) =>
      [`  ${path === undefined ? "" : `${path}: `}${message}`, `    ${remedyText} (${number} ${code})`].join("\n"),
    );
    super(["The plan can't be carried out:", ...lines].join("\n"));
    this.findings = findings;
  }
}

/** Returns the plan if it has no errors. @throws {PlanRefused} with every error otherwise */
export function assertRunnable(plan: ClusterPlan): ClusterPlan {
  const errors = plan.findings.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new PlanRefused(errors);
  return plan;
}

/**
 * Plans a cluster. A plan that can't work has findings that are errors; see {@link assertRunnable}.
 * @throws {ConfigError} if the catalog does not know a machine, or AWS does not accept the name of the stack
 */
export function planCluster(config: ClusterConfig, facts: ModelFacts, context: PlanContext): ClusterPlan {
  const cluster = resolve(config);
  if (cluster.target === "aws") assertStackName(context.stack);
  const placement = place(cluster, facts);
  const cidr = privateCidr(cluster.privateCidr, context.stack);
  const decided = {
    cluster,
    facts,
    placement,
    cidr: clusterCidr(cluster, cidr),
    ownMachine: context.architecture ?? "amd64",
  } as const;
  const backends = backendPlans(decided);
  const front = frontPlan(decided, backends);
  const performance = performanceOf(cluster, facts, placement);
  const machines = cluster.target === "aws" ? machinePlans(cluster, facts, decided.cidr) : [];
  const cost = cluster.target === "aws" ? costOf(cluster, facts, machines, performance?.speed ?? null) : null;
  return {
    target: cluster.target,
    region: cluster.target === "aws" ? cluster.region : null,
    model: modelPlan(cluster, facts),
    network: { cidr },
    front,
    backends,
    machines,
    aws: cluster.target === "aws" ? awsPlan(cluster, facts, cidr) : null,
    images: imagePlans(front, backends),
    tensorSplit: tensorSplitOf(placement?.counts ?? []),
    speed: performance?.speed ?? null,
    load: performance?.load ?? null,
    cost,
    hourlyUsd: cost?.usdPerHour.high ?? 0,
    findings: findingsOf({ cluster, facts, placement, performance, cost }),
  };
}

function modelPlan({ model }: Cluster, facts: ModelFacts): ModelPlan {
  return {
    source: facts.source,
    file: facts.file,
    ...(facts.furtherFiles === undefined ? {} : { furtherFiles: facts.furtherFiles }),
    fileName: facts.fileName,
    name: facts.name,
    architecture: facts.architecture,
    fileBytes: facts.fileBytes,
    layers: facts.layers,
    contextTokens: model.contextTokens,
    trainedContextTokens: facts.trainedContextTokens,
    parallelSlots: model.parallelSlots,
    quantization: facts.quantization,
  };
}
