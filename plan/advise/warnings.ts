/** What `npm run plan` would warn of. */

import type { Finding } from "../findings/finding.ts";
import { planCluster } from "../index.ts";
import type { ModelFacts } from "../model/facts.ts";
import type { Advice } from "./search.ts";

/** Errors and warnings of a cluster's plan. Its advice is left to `npm run plan`: most of it is about what to do next. */
export function warningsOf({ config }: Advice, facts: ModelFacts): Finding[] {
  // The name only picks addresses.
  return planCluster(config, facts, { stack: "advised" }).findings.filter(({ severity }) => severity !== "advice");
}
