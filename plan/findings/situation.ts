/** What findings are made from. */

import type { ClusterCost } from "../cost/bill.ts";
import type { Cluster } from "../hosts/cluster.ts";
import type { ModelFacts } from "../model/facts.ts";
import type { Performance } from "../performance.ts";
import type { Placement } from "../placement/index.ts";
import type { Observation } from "./finding.ts";

/** What the findings are about, as far as the plan has it. */
export interface Situation {
  cluster: Cluster;
  facts: ModelFacts;
  /** Null if there are fewer layers than backends, or than an own split gives out. */
  placement: Placement | null;
  /** Null where the machine is the user's own, or nothing is placed. */
  performance: Performance | null;
  /** Null where the machine is the user's own, or one is not sold in the region. */
  cost: ClusterCost | null;
}

/** Looks for one kind of finding. */
export type Check = (situation: Situation) => Observation[];
