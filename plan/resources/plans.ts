/** The plans of the things that components create: containers, images, machines, volumes. */

import type { Access, Architecture, Flavour, Market, Role } from "../../config/words.ts";
import type { UsdRange } from "../cost/prices.ts";
import type { LayerRange, MemoryPlan } from "../memory/plan.ts";

/** One backend container or machine and the device that it lends. */
export interface BackendPlan {
  /** `<pool>-<index>`; unique in the cluster. */
  name: string;
  pool: string;
  flavour: Flavour;
  architecture: Architecture;
  /** Private IPv4 address, fixed at plan time. Backends of one machine share it. */
  address: string;
  /** RPC port. */
  port: number;
  /** llama.cpp's name of its device in the front: `RPC0`, `RPC1`, …, in the order of `--rpc`. */
  device: string;
  layers: LayerRange;
  /** Whether it also holds the output layer, as the last device of the split always does. */
  holdsOutput: boolean;
  memory: MemoryPlan;
  /** cgroup memory limit of the container. */
  containerMemoryBytes: number;
  /** CPU threads of `ggml-rpc-server`. */
  threads: number;
  /** GPUs that the container gets: `all`, or their indices. Null with flavour `cpu`. */
  gpus: string | null;
  /** Environment of the container (APP_* and LLAMA_* variables). Never holds a secret. */
  environment: Record<string, string>;
  /** Arguments of `ggml-rpc-server`, in addition to the environment. */
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
  /** Who reaches the front: `loopback` means this machine only (docker target); others are `access.mode` (aws target). */
  access: Access;
  /** Address and port on which this machine publishes the front (docker target): always 127.0.0.1. */
  hostAddress: string;
  hostPort: number;
  /** Layers that the front computes itself; null if backends hold every layer. */
  layers: LayerRange | null;
  memory: MemoryPlan;
  containerMemoryBytes: number;
  threads: number;
  gpus: string | null;
  environment: Record<string, string>;
  arguments: string[];
  /** The longest time for a start: waiting for backends and loading the model. */
  startupSeconds: number;
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

/** Hardware of a machine. */
export interface HardwarePlan {
  vcpus: number;
  /** Name of the processor: `AWS Graviton4`. */
  processor: string;
  memoryBytes: number;
  /** The GPUs; `memoryBytes` is the memory of one GPU as EC2 reports it. Null for a machine without GPUs. */
  gpu: { name: string; count: number; memoryBytes: number } | null;
}

/** One machine to rent. */
export interface MachinePlan {
  /** Unique in the cluster: `front`, `<pool>-machine-<number>`. */
  name: string;
  /** Its pool; null for the front's machine. */
  pool: string | null;
  /** EC2 type. */
  type: string;
  hardware: HardwarePlan;
  market: Market;
  /** US dollars per hour; null for a type that the region does not sell on demand. */
  usdPerHour: UsdRange | null;
  /** Capacity reservation that it runs in; null without a reservation. */
  reservation: string | null;
  flavour: Flavour;
  architecture: Architecture;
  address: string;
  /** Names of the backends that run on it; empty for the front's machine. */
  backends: string[];
  disk: DiskPlan;
  /** Whether the cache of weights is on the machine's NVMe, which is empty after each stop. */
  instanceStore: boolean;
  /** Public SSM parameter that names the machine image. */
  imageParameter: string;
  /** `automatic`: EC2 moves it off broken hardware. `alarms`: CloudWatch alarms reboot it, or start it elsewhere. */
  recovery: "automatic" | "alarms";
  /** Whether it is in the placement group; a machine in a reservation runs where the reservation is. */
  inPlacementGroup: boolean;
}
