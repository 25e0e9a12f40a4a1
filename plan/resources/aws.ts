/** What is decided about a cluster on EC2 beyond its front, its backends and their machines. */

import { ConfigError } from "../../config/problems.ts";
import type { Region } from "../../config/regions.ts";
import type { AwsCluster } from "../hosts/cluster.ts";
import type { ModelFacts } from "../model/facts.ts";
import { type AccessPlan, interfaceEndpoints } from "./access.ts";
import { FRONT_PORT, RPC_PORT } from "./flags.ts";
import { type ModelObjectsPlan, modelObjects } from "./model-objects.ts";
import { type ExistingNetworkPlan, networkPlan, type OwnNetworkPlan } from "./network.ts";
import { type SchedulePlan, schedulePlan } from "./schedule.ts";

/** What keeps costs within bounds. */
export interface GuardrailsPlan {
  schedule: SchedulePlan | null;
  /** US dollars per month; a budget tells at 80 % forecast and at 100 %. */
  budgetUsdPerMonth: number | null;
  alarmEmail: string | null;
  stopAfterIdleMinutes: number | null;
  stopAfterHours: number | null;
}

/** The part of the plan that only target aws has. */
export interface AwsPlan {
  region: Region;
  /** Zone of all machines; null until the account was asked which one offers every type, and then if it can't say. */
  availabilityZone: string | null;
  network: OwnNetworkPlan | ExistingNetworkPlan;
  flowLogs: boolean;
  /** Services that machines without a way out reach through an interface endpoint each. */
  interfaceEndpoints: string[];
  /** First and last RPC port that any machine has. */
  rpcPorts: { first: number; last: number };
  frontPort: number;
  access: AccessPlan;
  model: ModelObjectsPlan;
  guardrails: GuardrailsPlan;
  /** Machines can't be stopped or terminated by hand; images and the model outlive the stack. */
  isProtected: boolean;
  /** Whether `pulumi up` follows the start. */
  waitsForFront: boolean;
  /** Tags of the user's. */
  tags: Readonly<Record<string, string>>;
}

/** Names in ECR and S3 are made of the stack's: small letters, and not for ever long. */
const STACK_NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const STACK_NAME_LENGTH = 32;

/** @throws {ConfigError} for a stack whose name can't be part of AWS's names */
export function assertStackName(stack: string): void {
  if (STACK_NAME.test(stack) && stack.length <= STACK_NAME_LENGTH) return;
  throw new ConfigError([
    {
      path: "stack",
      value: stack,
      rule: `must be at most ${STACK_NAME_LENGTH} small letters, digits and single hyphens with target aws, as names in ECR and S3 are made of it`,
      remedy: "Rename stacks/Pulumi.<stack>.yaml, and the stack with `pulumi stack rename` if it is there.",
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
