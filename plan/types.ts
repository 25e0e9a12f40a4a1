/**
 * What the planner decides before anything exists. The plan is plain data (JSON without loss): it is printed by
 * `npm run plan`, exported as the stack output `plan`, and is all that `components/` may go by.
 */

import type { Region } from "../config/regions.ts";
import type { ClusterConfig } from "../config/schema.ts";
import type { AwsPlan } from "./aws.ts";
import type { ClusterCost } from "./bill.ts";
import type { SpeedEstimate } from "./speed/estimate.ts";
import type { LoadEstimate } from "./speed/load.ts";

/** A runtime image variant. */
export type Flavour = "cpu" | "cuda";

/** What a container does, and so which programs its image carries. */
export type Role = "backend" | "server";

/** CPU architecture in the words of container platforms. */
export type Architecture = "amd64" | "arm64" | "arm/v7";

/** How the front is reached: on this machine, through a session of AWS's SSM, from the user's networks, from the Internet. */
export type Access = "loopback" | "ssm" | "private" | "public";

/** How a finding weighs: an `error` stops the preview, the others are printed. */
export type Severity = "error" | "warning" | "advice";

/** One thing that the planner has to say, with what to do about it. */
export interface Finding {
  /** Stable identifier, documented in `docs/findings.md`: `model-does-not-fit`. */
  code: string;
  /** Its number in `docs/findings.md`: `F01`. */
  number: string;
  severity: Severity;
  /** Where in the stack file the remedy is applied, such as `backends[0].memory`; absent if nowhere in particular. */
  path?: string;
  message: string;
  /** One sentence that says what to change. */
  remedy: string;
  /** The remedy as a change of the configuration, where it is one; the planner has checked that it helps. */
  change?: ConfigChange;
}

/** One value of the configuration to set: `backends[0].memory` to `"3 GiB"`, the whole front, or all pools. */
export interface ConfigChange {
  path: string;
  value: string | number | Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[];
}

/** Memory of one device, each part in bytes. */
export interface MemoryPlan {
  weightsBytes: number;
  kvCacheBytes: number;
  computeBytes: number;
  /** What the program itself needs besides the model: code, buffers of the runtime, the socket's copies. */
  reserveBytes: number;
  /** Sum of the parts above. */
  totalBytes: number;
  /** What the stack file declares for this device. */
  capacityBytes: number;
}

/** A consecutive run of repeating layers, `last` included. */
export interface LayerRange {
  first: number;
  last: number;
  count: number;
}

/** One backend container or machine and the device that it lends. */
export interface BackendPlan {
  /** `<pool>-<index>`; unique in the cluster. */
  name: string;
  pool: string;
  flavour: Flavour;
  architecture: Architecture;
  /** Private IPv4 address, fixed at plan time; backends of one machine share it. */
  address: string;
  /** RPC port. */
  port: number;
  /** llama.cpp's name for it in the front: `RPC0`, `RPC1`, …, in the order of `--rpc`. */
  device: string;
  layers: LayerRange;
  /** Whether the output layer sits here too (always the last device of the split). */
  holdsOutput: boolean;
  memory: MemoryPlan;
  /** cgroup memory limit of the container. */
  containerMemoryBytes: number;
  /** CPU threads of `ggml-rpc-server`. */
  threads: number;
  /** GPUs handed to the container; empty on the `cpu` flavour. `all` hands over every one. */
  gpus: string | null;
  /** Environment of the container (APP_* and LLAMA_* variables). Never holds a secret. */
  environment: Record<string, string>;
  /** Container arguments: what `ggml-rpc-server` gets beyond the environment. */
  arguments: string[];
}

/** The machine or container that runs `llama-server`. */
export interface FrontPlan {
  flavour: Flavour;
  architecture: Architecture;
  /** Address in the private network. */
  address: string;
  /** Port inside the container. */
  port: number;
  /** From where the front is reached: this machine alone (docker target), or as `access.mode` says (aws target). */
  access: Access;
  /** Where the front is published on the machine (docker target): 127.0.0.1 and this port. */
  hostAddress: string;
  hostPort: number;
  /** Layers that the front computes itself; null if every layer sits on a backend. */
  layers: LayerRange | null;
  memory: MemoryPlan;
  containerMemoryBytes: number;
  threads: number;
  gpus: string | null;
  environment: Record<string, string>;
  arguments: string[];
  /** How long start-up may take: waiting for backends and loading the model. */
  startupSeconds: number;
}

/** What the plan knows of the model, all of it read from the GGUF header. */
export interface ModelPlan {
  /** As the stack file says it. */
  source: string;
  /** Absolute path on this machine (docker target); null where the file is elsewhere. */
  file: string | null;
  /** Absolute paths of a split model's further parts; absent where one file is all. */
  furtherFiles?: string[];
  /** File name inside the containers: `/models/<fileName>`. */
  fileName: string;
  name: string;
  architecture: string;
  fileBytes: number;
  /** Repeating layers. */
  layers: number;
  contextTokens: number;
  trainedContextTokens: number;
  parallelSlots: number;
  /** Quantization of most of the weights: `Q4_1`. */
  quantization: string;
}

/** One image that the cluster runs. */
export interface ImagePlan {
  flavour: Flavour;
  role: Role;
  architecture: Architecture;
}

export interface NetworkPlan {
  /** Private network of the RPC traffic. */
  cidr: string;
}

/** An encrypted gp3 volume. */
export interface DiskPlan {
  gibibytes: number;
  mebibytesPerSecond: number;
  operationsPerSecond: number;
}

/** One machine to rent. */
export interface MachinePlan {
  /** Unique in the cluster: `front`, `<pool>-machine-<number>`. */
  name: string;
  /** The pool that it belongs to; null for the front's. */
  pool: string | null;
  /** EC2 type. */
  type: string;
  market: "on-demand" | "spot" | "capacity-block";
  /** Capacity reservation that it runs in; null for whatever capacity there is. */
  reservation: string | null;
  flavour: Flavour;
  architecture: Architecture;
  address: string;
  /** Names of the backends that run on it; none on the front's. */
  backends: string[];
  disk: DiskPlan;
  /** Whether model and cache lie on the machine's own NVMe, which is empty after each stop. */
  instanceStore: boolean;
  /** Public SSM parameter that names the machine image. */
  imageParameter: string;
  /** EC2 moves it off broken hardware by itself, or alarms have to reboot it and start it elsewhere. */
  recovery: "automatic" | "alarms";
  /** Whether it may be placed close to the others: a reservation says itself where it is. */
  inPlacementGroup: boolean;
}

/** The whole decision. */
export interface ClusterPlan {
  target: ClusterConfig["target"];
  /** AWS region; null with target docker. */
  region: Region | null;
  model: ModelPlan;
  network: NetworkPlan;
  front: FrontPlan;
  /** In the order of `--rpc`. */
  backends: BackendPlan[];
  /** Every image that is needed, each once. */
  images: ImagePlan[];
  /** llama.cpp's `--tensor-split`: layers per device in the order RPC0, RPC1, …, local. */
  tensorSplit: number[];
  /** Machines to rent, the front's first; none with target docker. */
  machines: MachinePlan[];
  /** What else there is on EC2; null with target docker. */
  aws: AwsPlan | null;
  /** How fast it answers; null where the machine is the user's own: its memory's bandwidth is not known. */
  speed: SpeedEstimate | null;
  /** How long the model takes to load; null where the machine is the user's own. */
  load: LoadEstimate | null;
  /** What it costs; null where the machine is the user's own, or one is not sold in the region. */
  cost: ClusterCost | null;
  /**
   * US dollars per hour at most: spot machines at the price of on-demand ones. 0 where the machine is the user's own, and
   * where `cost` is null because a machine is not sold: a finding then says so, and the plan is refused.
   */
  hourlyUsd: number;
  findings: Finding[];
}
