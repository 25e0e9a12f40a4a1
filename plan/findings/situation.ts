/** The input of the checks. */

import type { ClusterCost } from "../cost/bill.ts";
import type { Cluster } from "../hosts/cluster.ts";
import type { ModelFacts } from "../model/facts.ts";
import type { Performance } from "../performance.ts";
import type { Placement } from "../placement/index.ts";
import type { Observation } from "./finding.ts";

/** What the checks look at: a cluster with its model, and what the plan knows about them. */
export interface Situation {
  cluster: Cluster;
  facts: ModelFacts;
  /** Null if the model has fewer layers than there are backends, or than an own split assigns. */
  placement: Placement | null;
  /** Null on the docker target, or if nothing is placed. */
  performance: Performance | null;
  /** Null on the docker target, or if the region does not sell one of the machines. */
  cost: ClusterCost | null;
}

/** Looks for one kind of finding. */
export type Check = (situation: Situation) => Observation[];
