/**
 * What the planner decides before anything exists. The plan is plain data (JSON without loss): it is printed by
 * `npm run plan`, exported as the stack output `plan`, and is all that `components/` may go by.
 */

import type { Region } from "../config/regions.ts";
import type { ClusterCost } from "./cost/bill.ts";
import type { Finding } from "./findings/finding.ts";
import type { Cluster } from "./hosts/cluster.ts";
import type { AwsPlan } from "./resources/aws.ts";
import type { BackendPlan, FrontPlan, ImagePlan, MachinePlan, NetworkPlan } from "./resources/plans.ts";
import type { SpeedEstimate } from "./speed/estimate.ts";
import type { LoadEstimate } from "./speed/load.ts";

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

/** The whole decision. */
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
