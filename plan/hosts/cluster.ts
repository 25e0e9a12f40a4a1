/**
 * A cluster as the planner thinks of it: everything that a configuration says, resolved once. With target docker the
 * stack file says what the containers have; with target aws every host has a machine of the catalog.
 */

import type { Batches } from "../../config/batches.ts";
import type { Region } from "../../config/regions.ts";
import type { ClusterConfig } from "../../config/schema/index.ts";
import type { Schedule } from "../../config/schema/limits.ts";
import type { Market } from "../../config/words.ts";
import type { MachineType } from "../catalog/index.ts";
import type { RunSettings } from "../memory/settings.ts";
import type { Host } from "./hosts.ts";

/** The host of `llama-server`, and how it is run. */
export interface Front<Type extends MachineType | null = MachineType | null> extends Host<Type> {
  /** GPUs handed to its container; null on a CPU. */
  gpus: string | null;
  /** Port on this machine's loopback address (docker target). */
  hostPort: number;
  embeddings: boolean;
  /** More arguments of `llama-server`. */
  arguments: readonly string[];
  /** Whether `pulumi up` follows the start until the front has answered (aws target). */
  waits: boolean;
  /** Throughput of its volume as the stack file sets it (aws target); null leaves it to the planner. */
  diskMebibytesPerSecond: number | null;
}

/** One `ggml-rpc-server` and the device that it lends. */
export interface Backend<Type extends MachineType | null = MachineType | null> extends Host<Type> {
  /** `<pool>-<number>`; unique in the cluster. */
  name: string;
  /** Name of its pool. */
  pool: string;
  /** Number of its pool. */
  poolIndex: number;
  /** Number of its GPU within its machine, which its port counts; 0 on a CPU. */
  gpu: number;
  /** GPUs handed to its container; null on a CPU. */
  gpus: string | null;
  /** Where its address is in the cluster's network, counted from the network's own. */
  addressOffset: number;
}

/** Equal backends. */
export interface Pool<Type extends MachineType | null = MachineType | null> {
  name: string;
  index: number;
  /** What each of its backends has. */
  host: Host<Type>;
  /** As the stack file counts: containers with target docker, machines with target aws. */
  count: number;
  backends: readonly Backend<Type>[];
}

/** Equal machines on EC2. */
export interface MachinePool extends Pool<MachineType> {
  market: Market;
  /** Capacity reservation that its machines run in; null for whatever capacity there is. */
  reservation: string | null;
  machines: readonly Machine[];
}

/** A machine on EC2 that runs backends: one for each of its GPUs, or one on its processor. */
export interface Machine {
  /** `<pool>-machine-<number>`; unique in the cluster. */
  name: string;
  pool: Pick<MachinePool, "name" | "host" | "market" | "reservation">;
  backends: readonly Backend<MachineType>[];
  /** Where its address is in the cluster's network, counted from the network's own. */
  addressOffset: number;
}

/** What the model is run with. */
export type ModelSettings = ClusterConfig["model"];

/** Bounds of the user's; null where there is none. */
export interface Limits {
  maxHourlyUsd: number | null;
  maxMonthlyUsd: number | null;
  alarmEmail: string | null;
  stopAfterIdleMinutes: number | null;
  stopAfterHours: number | null;
  /** Null for machines that are always on. */
  schedule: Schedule | null;
}

/** How the front on EC2 is reached. */
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

/** A network of the user's. */
export interface GivenNetwork {
  vpcId: string;
  subnetId: string;
  /** Of the public load balancer; empty unless there is one. */
  publicSubnetIds: string[];
}

interface ClusterOf<Type extends MachineType | null, PoolType extends Pool<Type>> {
  /** For editing alone: a remedy changes it and resolves the result. Nobody else reads it. */
  config: ClusterConfig;
  model: ModelSettings;
  settings: RunSettings;
  /** What the front is started with. */
  batches: Batches;
  front: Front<Type>;
  pools: readonly PoolType[];
  /** Of all pools, in the order of the devices. */
  backends: readonly Backend<Type>[];
  /** Layers of each backend as the stack file has them; null if it leaves them to the planner. */
  ownSplit: readonly number[] | null;
  limits: Limits;
  /** The private network that the stack file asks for; null for one that follows from the stack's name. */
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
  /** Null for one that offers every machine. */
  availabilityZone: string | null;
  /** Null for a network of the cluster's own. */
  network: GivenNetwork | null;
  access: AwsAccess;
  flowLogs: boolean;
  protection: boolean;
  tags: Readonly<Record<string, string>>;
  /** vCPUs that the account may run, by the code of their quota, as far as the stack file says. */
  vcpuQuotas: Readonly<Record<string, number>>;
  /** SSM parameter with a token of Hugging Face; null for a model that everybody may read. */
  huggingFaceTokenParameter: string | null;
}

/** A configuration, resolved. */
export type Cluster = DockerCluster | AwsCluster;
