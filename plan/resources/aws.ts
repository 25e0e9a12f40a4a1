/** The parts of a cluster on EC2 besides its front, its backends and their machines. */

import { ConfigError } from "../../config/problems.ts";
import type { Region } from "../../config/regions.ts";
import type { AwsCluster } from "../hosts/cluster.ts";
import type { ModelFacts } from "../model/facts.ts";
import { type AccessPlan, interfaceEndpoints } from "./access.ts";
import { FRONT_PORT, RPC_PORT } from "./flags.ts";
import { type ModelObjectsPlan, modelObjects } from "./model-objects.ts";
import { type ExistingNetworkPlan, networkPlan, type OwnNetworkPlan } from "./network.ts";
import { type SchedulePlan, schedulePlan } from "./schedule.ts";

/** Limits on the cost. */
export interface GuardrailsPlan {
  schedule: SchedulePlan | null;
  /** US dollars per month: AWS Budgets sends a mail at 80 % forecast and at 100 %. Null for no budget. */
  budgetUsdPerMonth: number | null;
  alarmEmail: string | null;
  stopAfterIdleMinutes: number | null;
  stopAfterHours: number | null;
}

/** The part of the plan that only target aws has. */
export interface AwsPlan {
  region: Region;
  /** Zone of all machines; null until the account has reported which zone offers every type, and if it reports none. */
  availabilityZone: string | null;
  network: OwnNetworkPlan | ExistingNetworkPlan;
  flowLogs: boolean;
  /** Services that machines without a route to the Internet reach through interface endpoints, one for each service. */
  interfaceEndpoints: string[];
  /** Lowest and highest RPC port on any machine. */
  rpcPorts: { first: number; last: number };
  frontPort: number;
  access: AccessPlan;
  model: ModelObjectsPlan;
  guardrails: GuardrailsPlan;
  /** Whether machines are protected from manual stop and termination, and images and the model remain after a destroy. */
  isProtected: boolean;
  /** Whether `pulumi up` waits for the front's first answer. */
  waitsForFront: boolean;
  /** The user's tags. */
  tags: Readonly<Record<string, string>>;
}

/** Names in ECR and S3 contain the stack's name, so it has to be lower case and short. */
const STACK_NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const STACK_NAME_LENGTH = 32;

/** @throws {ConfigError} for a stack whose name can't be part of AWS's names */
export function assertStackName(stack: string): void {
  if (STACK_NAME.test(stack) && stack.length <= STACK_NAME_LENGTH) return;
  throw new ConfigError([
    {
      path: "stack",
      value: stack,
      rule: `must be at most ${STACK_NAME_LENGTH} lower-case letters, digits and single hyphens with target aws, because names in ECR and S3 contain it`,
      remedy: "Rename stacks/Pulumi.<stack>.yaml, and the stack with `pulumi stack rename` if it exists.",
    },
  ]);
}

/** The part of the plan that only target aws has. */
export function awsPlan(cluster: AwsCluster, facts: ModelFacts, cidr: string): AwsPlan {
  const { limits } = cluster;
  return {
    region: cluster.region,
    availabilityZone: cluster.availabilityZone,
    network: networkPlan(cluster, cidr),
    flowLogs: cluster.flowLogs,
    interfaceEndpoints: interfaceEndpoints(cluster),
    rpcPorts: { first: RPC_PORT, last: RPC_PORT + Math.max(0, ...cluster.backends.map(({ gpu }) => gpu)) },
    frontPort: FRONT_PORT,
    access: cluster.access,
    model: modelObjects(cluster, facts),
    guardrails: {
      schedule: limits.schedule === null ? null : schedulePlan(limits.schedule),
      budgetUsdPerMonth: limits.maxMonthlyUsd,
      alarmEmail: limits.alarmEmail,
      stopAfterIdleMinutes: limits.stopAfterIdleMinutes,
      stopAfterHours: limits.stopAfterHours,
    },
    isProtected: cluster.protection,
    waitsForFront: cluster.front.waits,
    tags: cluster.tags,
  };
}
