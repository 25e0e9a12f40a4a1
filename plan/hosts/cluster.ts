/**
 * The planner's model of a cluster: the whole configuration, resolved once. With target docker the stack file gives the
 * memory and threads of the containers; with target aws every host has a machine type of the catalog.
 */

import type { Batches } from "../../config/batches.ts";
import type { Region } from "../../config/regions.ts";
import type { ClusterConfig } from "../../config/schema/index.ts";
import type { Schedule } from "../../config/schema/limits.ts";
import type { Market } from "../../config/words.ts";
import type { MachineType } from "../catalog/index.ts";
import type { RunSettings } from "../memory/settings.ts";
import type { Host } from "./hosts.ts";

/** The host of `llama-server` and the settings of `llama-server`. */
export interface Front<Type extends MachineType | null = MachineType | null> extends Host<Type> {
  /** GPUs that its container gets; null on a CPU. */
  gpus: string | null;
  /** Port on this machine's loopback address (docker target). */
  hostPort: number;
  embeddings: boolean;
  /** Additional arguments of `llama-server`. */
  arguments: readonly string[];
  /** Whether `pulumi up` waits until the front has answered (aws target). */
  waits: boolean;
  /** Throughput of its volume in the stack file (aws target); null if the planner chooses it. */
  diskMebibytesPerSecond: number | null;
}

/** One `ggml-rpc-server` and the device that it lends. */
export interface Backend<Type extends MachineType | null = MachineType | null> extends Host<Type> {
  /** `<pool>-<number>`; unique in the cluster. */
  name: string;
  /** Name of its pool. */
  pool: string;
  /** Index of its pool, from 0. */
  poolIndex: number;
  /** Index of its GPU within its machine, which is added to its port; 0 on a CPU. */
  gpu: number;
  /** GPUs that its container gets; null on a CPU. */
  gpus: string | null;
  /** Offset of its address from the network's base address. */
  addressOffset: number;
}

/** Equal backends. */
export interface Pool<Type extends MachineType | null = MachineType | null> {
  name: string;
  index: number;
  /** The host of each of its backends. */
  host: Host<Type>;
  /** `count` of the stack file: containers with target docker, machines with target aws. */
  count: number;
  backends: readonly Backend<Type>[];
}

/** Equal machines on EC2. */
export interface MachinePool extends Pool<MachineType> {
  market: Market;
  /** Capacity reservation that its machines run in; null for machines without a reservation. */
  reservation: string | null;
  machines: readonly Machine[];
}

/** A machine on EC2 that runs backends: one for each of its GPUs, or one on its processor. */
export interface Machine {
  /** `<pool>-machine-<number>`; unique in the cluster. */
  name: string;
  pool: Pick<MachinePool, "name" | "host" | "market" | "reservation">;
  backends: readonly Backend<MachineType>[];
  /** Offset of its address from the network's base address. */
  addressOffset: number;
}

/** Settings of the model. */
export type ModelSettings = ClusterConfig["model"];

/** The user's limits. Null means that there is no limit. */
export interface Limits {
  maxHourlyUsd: number | null;
  maxMonthlyUsd: number | null;
  /** Address for alarms; null if nobody gets them. */
  alarmEmail: string | null;
  stopAfterIdleMinutes: number | null;
  stopAfterHours: number | null;
  /** When the machines run; null if they are always on. */
  schedule: Schedule | null;
}

/** How clients reach the front on EC2. */
export type AwsAccess =
  | { mode: "ssm" }
  | { mode: "private"; allowedCidrs: string[]; privateLinkPrincipals: string[] }
  | {
      mode: "public";
      allowedCidrs: string[];
      domain: string;
      hostedZone: string;
      requestsPerFiveMinutes: number | null;
    };

/** A network that the user provides. */
export interface GivenNetwork {
  vpcId: string;
  subnetId: string;
  /** Subnets of the public load balancer; empty if there is none. */
  publicSubnetIds: string[];
}

interface ClusterOf<Type extends MachineType | null, PoolType extends Pool<Type>> {
  /** Only for changes: a remedy changes it and resolves the result. No other code reads it. */
  config: ClusterConfig;
  model: ModelSettings;
  settings: RunSettings;
  /** Batch sizes of the front. */
  batches: Batches;
  front: Front<Type>;
  pools: readonly PoolType[];
  /** The backends of all pools, in the order of the devices. */
  backends: readonly Backend<Type>[];
  /** Number of layers of each backend in the stack file; null if the planner chooses them. */
  ownSplit: readonly number[] | null;
  limits: Limits;
  /** The private network in the stack file; null if it is derived from the stack's name. */
  privateCidr: string | null;
}

/** Containers on the user's own machine. */
export interface DockerCluster extends ClusterOf<null, Pool<null>> {
  target: "docker";
}

/** Machines on EC2. */
export interface AwsCluster extends ClusterOf<MachineType, MachinePool> {
  target: "aws";
  /** The backends' machines, in the order of the devices. */
  machines: readonly Machine[];
  region: Region;
  /** Zone of the stack file; null if the cluster takes a zone that offers every type. */
  availabilityZone: string | null;
  /** The user's network; null if the cluster creates its own. */
  network: GivenNetwork | null;
  access: AwsAccess;
  flowLogs: boolean;
  protection: boolean;
  tags: Readonly<Record<string, string>>;
  /** vCPUs that the account may run, by the code of their quota; only the quotas of the stack file. */
  vcpuQuotas: Readonly<Record<string, number>>;
  /** SSM parameter with a token of Hugging Face; null for a public model. */
  huggingFaceTokenParameter: string | null;
}

/** A configuration, resolved. */
export type Cluster = DockerCluster | AwsCluster;
