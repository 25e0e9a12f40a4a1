/** What findings are made from. */

import type { ClusterConfig } from "../config/schema.ts";
import type { FindingCode } from "./finding-numbers.ts";
import type { ModelFacts } from "./model/facts.ts";
import type { Placement } from "./placement.ts";
import type { Finding } from "./types.ts";

/** What the findings are about; the placement is null if there are fewer layers than backends. */
export interface Situation {
  config: ClusterConfig;
  facts: ModelFacts;
  placement: Placement | null;
}

/** A finding before it has its number. */
export type Observation = Omit<Finding, "number" | "code"> & { code: FindingCode };

/** Looks for one kind of finding. */
export type Check = (situation: Situation) => Observation[];
