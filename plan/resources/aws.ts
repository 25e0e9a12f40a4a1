/** What is decided about a cluster on EC2 beyond its front, its backends and their machines. */

import { addressAt, networkOf } from "../../config/cidr.ts";
import { parseModelSource } from "../../config/model-source.ts";
import { ConfigError } from "../../config/problems.ts";
import type { Region } from "../../config/regions.ts";
import type { ClusterConfig } from "../../config/schema/index.ts";
import type { Schedule } from "../../config/schema/limits.ts";
import { minutesOf } from "../../config/time.ts";
import { slotsOf } from "../hosts/hosts.ts";
import type { ModelFacts } from "../model/facts.ts";
import { partNames } from "../model/shards.ts";
import { FRONT_PORT, RPC_PORT } from "./flags.ts";

/** Networks of a VPC that the cluster has to itself. */
export interface OwnNetworkPlan {
  kind: "own";
  vpcCidr: string;
  /** Machines, with fixed addresses; no route leads out. */
  clusterCidr: string;
  /** Interface endpoints and the internal load balancer: AWS gives them addresses as it likes. */
  serviceCidr: string;
  /** Of the public load balancer, in two zones; empty unless there is one. */
  publicCidrs: string[];
}

/** A network of the user's. */
export interface ExistingNetworkPlan {
  kind: "existing";
  vpcId: string;
  subnetId: string;
  /** Of the public load balancer; empty unless there is one. */
  publicSubnetIds: string[];
}

/** How the front is reached. */
export type AccessPlan =
  | { mode: "ssm" }
  | { mode: "private"; allowedCidrs: string[]; privateLinkPrincipals: string[] }
  | {
      mode: "public";
      allowedCidrs: string[];
      domain: string;
      hostedZone: string;
      requestsPerFiveMinutes: number | null;
    };

/** Where the machines get the model from: one object in the bucket for each of its files. */
export interface ModelObjectsPlan {
  /** `file`: sent from this machine; else an import job in AWS fetches it, and nothing goes over the operator's line. */
  origin: "file" | "hugging-face" | "http" | "s3";
  /** Where each file is now, in the order of the keys. */
  sources: string[];
  /** SSM parameter with a token of Hugging Face; null for a model that everybody may read. */
  tokenParameter: string | null;
  /** Keys in the bucket, that of the first part first. */
  keys: string[];
  bytes: number;
}

/** When machines start and stop, as EventBridge Scheduler takes it. */
export interface SchedulePlan {
  timeZone: string;
  /** `cron(…)`: backends are started before and stopped after the front. */
  startBackends: string;
  startFront: string;
  stopFront: string;
  stopBackends: string;
}

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
export function assertStackName({ target }: ClusterConfig, stack: string): void {
  if (target !== "aws" || (STACK_NAME.test(stack) && stack.length <= STACK_NAME_LENGTH)) return;
  throw new ConfigError([
    {
      path: "stack",
      value: stack,
      rule: `must be at most ${STACK_NAME_LENGTH} small letters, digits and single hyphens with target aws, as names in ECR and S3 are made of it`,
      remedy: "Rename stacks/Pulumi.<stack>.yaml, and the stack with `pulumi stack rename` if it is there.",
    },
  ]);
}

/** Folder of the model's files in the bucket. */
const MODEL_PREFIX = "models/";
/** A front that is started after its backends waits less for them. */
const BACKENDS_AHEAD_MINUTES = 5;

/** The part of the plan that only target aws has; null with target docker. */
export function awsPlan(config: ClusterConfig, facts: ModelFacts, cidr: string): AwsPlan | null {
  const { aws, limits, front } = config;
  if (aws === undefined) return null;
  const gpusPerMachine = slotsOf(config).map(({ gpu }) => gpu);
  return {
    region: aws.region,
    availabilityZone: aws.availabilityZone ?? null,
    network: networkPlan(config, cidr),
    flowLogs: aws.flowLogs,
    interfaceEndpoints: interfaceEndpoints(config),
    rpcPorts: { first: RPC_PORT, last: RPC_PORT + Math.max(0, ...gpusPerMachine) },
    frontPort: FRONT_PORT,
    access: accessPlan(config),
    model: {
      origin: originOf(facts.source),
      sources: partNames(facts.source)?.names ?? [facts.source],
      tokenParameter: aws.huggingFaceTokenParameter ?? null,
      keys: (partNames(facts.fileName)?.names ?? [facts.fileName]).map((name) => `${MODEL_PREFIX}${name}`),
      bytes: facts.fileBytes,
    },
    guardrails: {
      schedule: limits.schedule === undefined ? null : schedulePlan(limits.schedule),
      budgetUsdPerMonth: limits.maxMonthlyUsd ?? null,
      alarmEmail: limits.alarmEmail ?? null,
      stopAfterIdleMinutes: limits.stopAfterIdleMinutes ?? null,
      stopAfterHours: limits.stopAfterHours ?? null,
    },
    isProtected: aws.protection,
    waitsForFront: front.wait,
    tags: aws.tags,
  };
}

/**
 * Services that the machines need: the registry's two, SSM for parameters, and its channel where a session is the way in.
 * None in a network that exists, which has its own way to AWS.
 */
export function interfaceEndpoints({ aws, access }: ClusterConfig): string[] {
  if (aws === undefined || aws.network !== undefined) return [];
  const isReachedBySession = (access.mode ?? "ssm") === "ssm";
  return ["ecr.api", "ecr.dkr", "ssm", ...(isReachedBySession ? ["ssmmessages"] : [])];
}

/** The cluster's addresses within the private network: half of a VPC of its own, all of an existing one's part. */
export function clusterCidr({ aws }: ClusterConfig, cidr: string): string {
  return aws === undefined || aws.network !== undefined ? cidr : partOf(cidr, 2, 0);
}

function networkPlan({ aws, access }: ClusterConfig, cidr: string): OwnNetworkPlan | ExistingNetworkPlan {
  const existing = aws?.network;
  if (existing !== undefined) {
    const { vpcId, subnetId, publicSubnetIds = [] } = existing;
    return { kind: "existing", vpcId, subnetId, publicSubnetIds };
  }
  return {
    kind: "own",
    vpcCidr: cidr,
    clusterCidr: partOf(cidr, 2, 0),
    serviceCidr: partOf(cidr, 8, 4),
    publicCidrs: access.mode === "public" ? [partOf(cidr, 8, 5), partOf(cidr, 8, 6)] : [],
  };
}

/** One of so many equal parts, a power of two. */
function partOf(cidr: string, parts: number, index: number): string {
  const network = networkOf(cidr);
  return `${addressAt(network, (index * network.size) / parts)}/${network.prefix + Math.log2(parts)}`;
}

function accessPlan({ access }: ClusterConfig): AccessPlan {
  const { mode = "ssm", allowedCidrs = [], privateLinkPrincipals = [], domain = "" } = access;
  switch (mode) {
    case "ssm":
      return { mode };
    case "private":
      return { mode, allowedCidrs, privateLinkPrincipals };
    case "public":
      return {
        mode,
        allowedCidrs,
        domain,
        hostedZone: access.hostedZone ?? domain.slice(domain.indexOf(".") + 1),
        requestsPerFiveMinutes: access.requestsPerFiveMinutes ?? null,
      };
  }
}

function originOf(source: string): ModelObjectsPlan["origin"] {
  return parseModelSource(source)?.kind ?? "file";
}

/**
 * Cron expressions of EventBridge Scheduler (docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html). A stop
 * that is not after the start is on the day after each of the days.
 */
export function schedulePlan({ days, start, stop, timeZone }: Schedule): SchedulePlan {
  const starts = minutesOf(start);
  const stops = minutesOf(stop) > starts ? minutesOf(stop) : minutesOf(stop) + DAY_MINUTES;
  const at = (minutes: number) => cron(days, minutes);
  return {
    timeZone,
    startBackends: at(starts),
    startFront: at(starts + BACKENDS_AHEAD_MINUTES),
    stopFront: at(stops),
    stopBackends: at(stops + 1),
  };
}

const DAY_MINUTES = 24 * 60;
const CRON_DAYS = { mon: 1, tue: 2, wed: 3, thu: 4, fri: 5, sat: 6, sun: 0 } as const;
const CRON_NAMES = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] as const;

function cron(days: Schedule["days"], minutes: number): string {
  const later = Math.floor(minutes / DAY_MINUTES);
  const names = days.map((day) => CRON_NAMES[(CRON_DAYS[day] + later) % 7] ?? "MON");
  return `cron(${minutes % 60} ${Math.floor((minutes % DAY_MINUTES) / 60)} ? * ${names.join(",")} *)`;
}
