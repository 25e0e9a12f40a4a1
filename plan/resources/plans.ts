/** What components create, one type for each kind: containers, images, machines, volumes. */

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

/** What a machine has. */
export interface HardwarePlan {
  vcpus: number;
  /** Name of the processor: `AWS Graviton4`. */
  processor: string;
  memoryBytes: number;
  /** `memoryBytes` of each GPU, as EC2 reports it; null for a machine without. */
  gpu: { name: string; count: number; memoryBytes: number } | null;
}

/** One machine to rent. */
export interface MachinePlan {
  /** Unique in the cluster: `front`, `<pool>-machine-<number>`. */
  name: string;
  /** The pool that it belongs to; null for the front's. */
  pool: string | null;
  /** EC2 type. */
  type: string;
  hardware: HardwarePlan;
  market: Market;
  /** US dollars per hour; null for a type that the region does not sell on demand. */
  usdPerHour: UsdRange | null;
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
