/** The warnings of `npm run plan` for a proposed cluster. */

import type { Finding } from "../findings/finding.ts";
import { planCluster } from "../index.ts";
import type { ModelFacts } from "../model/facts.ts";
import type { Advice } from "./search.ts";

/** Errors and warnings of a cluster's plan. Advice is left out, because most of it is about the next step after a plan. */
export function warningsOf({ config }: Advice, facts: ModelFacts): Finding[] {
  // The stack's name only decides the addresses.
  return planCluster(config, facts, { stack: "advised" }).findings.filter(({ severity }) => severity !== "advice");
}
