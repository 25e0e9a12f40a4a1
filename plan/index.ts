/** From a configuration and a model's facts to everything that is decided before anything exists. Pure. */

import { UserError } from "../config/errors.ts";
import type { ClusterConfig } from "../config/schema/index.ts";
import type { Architecture } from "../config/words.ts";
import { costOf } from "./cost/bill.ts";
import type { Finding } from "./findings/finding.ts";
import { findingsOf } from "./findings/index.ts";
import { assertMachines } from "./hosts/hosts.ts";
import type { ModelFacts } from "./model/facts.ts";
import { performanceOf } from "./performance.ts";
import { tensorSplitOf } from "./placement/even-split.ts";
import { place } from "./placement/index.ts";
import type { ClusterPlan, ModelPlan } from "./plan.ts";
import { assertStackName, awsPlan, clusterCidr } from "./resources/aws.ts";
import { backendPlans, frontPlan, imagePlans, machinePlans } from "./resources/containers.ts";
import { privateCidr } from "./resources/network.ts";

export { ModelError, type ModelFacts, readModelFacts } from "./model/facts.ts";
export { lookUpModel } from "./model/look-up.ts";
export type { ModelAccess } from "./model/sources.ts";
export type * from "./plan.ts";

/** What a plan depends on besides the configuration and the model. */
export interface PlanContext {
  /** Name of the stack. */
  stack: string;
  /** Architecture of the machine that runs the containers. @default "amd64" */
  architecture?: Architecture;
}

/** A plan that must not be carried out. The message holds every error with its remedy and is meant for the user. */
export class PlanRefused extends UserError {
  override readonly name = "PlanRefused";
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    const lines = findings.map(({ code, number, path, message, remedy }) =>
      [`  ${path === undefined ? "" : `${path}: `}${message}`, `    ${remedy} (${number} ${code})`].join("\n"),
    );
    super(["The plan can't be carried out:", ...lines].join("\n"));
    this.findings = findings;
  }
}

/** Hands the plan back if it can be carried out. @throws {PlanRefused} with every error otherwise */
export function assertRunnable(plan: ClusterPlan): ClusterPlan {
  const errors = plan.findings.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new PlanRefused(errors);
  return plan;
}

/**
 * Plans a cluster. What can't work is said by the plan's findings; see {@link assertRunnable}.
 * @throws {ConfigError} for machines that the catalog does not know, and for a stack's name that AWS would not take
 */
export function planCluster(config: ClusterConfig, facts: ModelFacts, context: PlanContext): ClusterPlan {
  assertMachines(config);
  assertStackName(config, context.stack);
  const placement = place(config, facts);
  const cidr = privateCidr(config.access.privateCidr, context.stack);
  const decided = {
    config,
    facts,
    placement,
    cidr: clusterCidr(config, cidr),
    ownMachine: context.architecture ?? "amd64",
  } as const;
  const backends = backendPlans(decided);
  const front = frontPlan(decided, backends);
  const machines = machinePlans(decided);
  const performance = performanceOf(config, facts, placement);
  const cost = costOf(config, facts, machines, performance?.speed ?? null);
  return {
    target: config.target,
    region: config.aws?.region ?? null,
    model: modelPlan(config, facts),
    network: { cidr },
    front,
    backends,
    machines,
    aws: awsPlan(config, facts, cidr),
    images: imagePlans(front, backends),
    tensorSplit: tensorSplitOf(placement?.counts ?? []),
    speed: performance?.speed ?? null,
    load: performance?.load ?? null,
    cost,
    hourlyUsd: cost?.usdPerHour.high ?? 0,
    findings: findingsOf({ config, facts, placement, performance, cost }),
  };
}

function modelPlan(config: ClusterConfig, facts: ModelFacts): ModelPlan {
  return {
    source: facts.source,
    file: facts.file,
    ...(facts.furtherFiles === undefined ? {} : { furtherFiles: facts.furtherFiles }),
    fileName: facts.fileName,
    name: facts.name,
    architecture: facts.architecture,
    fileBytes: facts.fileBytes,
    layers: facts.layers,
    contextTokens: config.model.contextTokens,
    trainedContextTokens: facts.trainedContextTokens,
    parallelSlots: config.model.parallelSlots,
    quantization: facts.quantization,
  };
}
