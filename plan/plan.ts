/**
 * The decisions of the planner before any resource exists. The plan is plain data (JSON without loss): `npm run plan`
 * prints it, the stack exports it as output `plan`, and `components/` may use nothing else.
 */

import type { Region } from "../config/regions.ts";
import type { ClusterCost } from "./cost/bill.ts";
import type { Finding } from "./findings/finding.ts";
import type { Cluster } from "./hosts/cluster.ts";
import type { AwsPlan } from "./resources/aws.ts";
import type { BackendPlan, FrontPlan, ImagePlan, MachinePlan, NetworkPlan } from "./resources/plans.ts";
import type { SpeedEstimate } from "./speed/estimate.ts";
import type { LoadEstimate } from "./speed/load.ts";

/** The model's facts in the plan, all from the GGUF header. */
export interface ModelPlan {
  /** As written in the stack file. */
  source: string;
  /** Absolute path on this machine (docker target); null if the file is elsewhere. */
  file: string | null;
  /** Absolute paths of a split model's further parts; absent if the model is one file. */
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

/** The whole plan. */
export interface ClusterPlan {
  target: Cluster["target"];
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
  /** What target aws has besides front, backends and machines; null with target docker. */
  aws: AwsPlan | null;
  /** Estimated speed; null with target docker, because the memory bandwidth of the user's machine is unknown. */
  speed: SpeedEstimate | null;
  /** Estimated time to load the model; null with target docker. */
  load: LoadEstimate | null;
  /** Cost; null with target docker, and if the region does not sell one of the machines. */
  cost: ClusterCost | null;
  /**
   * Highest cost in US dollars per hour: spot machines count at the on-demand price. 0 with target docker. Also 0 if
   * `cost` is null because a machine is not sold; a finding then reports it, and the plan is refused.
   */
  hourlyUsd: number;
  findings: Finding[];
}
