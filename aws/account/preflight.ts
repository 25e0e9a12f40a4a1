/** Asks the account during a preview, before the program registers resources. */

import { availabilityZoneFor } from "../../plan/account/facts.ts";
import { withAccountFindings } from "../../plan/account/findings.ts";
import type { ClusterPlan } from "../../plan/index.ts";
import { type AccountQuestions, askAccount } from "./ask.ts";

/** A plan with what the account says about it. */
export interface Preflight {
  /**
   * With the account's findings (`assertRunnable` refuses errors) and with the zone of all machines in
   * `aws.availabilityZone`, see `availabilityZoneFor`; null if nothing decides the zone.
   */
  plan: ClusterPlan;
  /** What AWS did not answer, and why; null if it answered everything. */
  note: string | null;
}

/** Asks AWS about a plan, in a bounded time. Without credentials the plan stays unchanged and the note says so. */
export async function preflight(
  plan: ClusterPlan,
  stack: string,
  options: Pick<AccountQuestions, "timeoutSeconds" | "connection"> = {},
): Promise<Preflight> {
  if (plan.aws === null) return { plan, note: null };
  const answer = await askAccount({ plan, stack, ...options });
  if (answer.facts === null) {
    return { plan, note: `The account's quotas and zones were not checked. ${answer.reason}` };
  }
  const { facts, refusals } = answer;
  const aws = { ...plan.aws, availabilityZone: availabilityZoneFor(plan, facts) };
  return {
    plan: { ...withAccountFindings(plan, facts), aws },
    note: refusals.length === 0 ? null : `Not everything was checked. ${refusals.join(" ")}`,
  };
}
