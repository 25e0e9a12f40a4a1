/** What a preview asks the account before it registers anything. */

import { availabilityZoneFor } from "../../plan/account/facts.ts";
import { withAccountFindings } from "../../plan/account/findings.ts";
import type { ClusterPlan } from "../../plan/index.ts";
import { type AccountQuestions, askAccount } from "./ask.ts";

/** A plan that the account was asked about. */
export interface Preflight {
  /**
   * With the account's findings (errors are for `assertRunnable`), and with the zone for all machines in
   * `aws.availabilityZone`, see `availabilityZoneFor`; null there still means that nothing says which.
   */
  plan: ClusterPlan;
  /** What could not be asked and why; null if everything was. */
  note: string | null;
}

/** Asks AWS about a plan, within a bounded time. Without credentials the plan stays as it is, and the note says so. */
export async function preflight(
  plan: ClusterPlan,
  stack: string,
  options: Pick<AccountQuestions, "timeoutSeconds" | "connection"> = {},
): Promise<Preflight> {
  if (plan.aws === null) return { plan, note: null };
  const answer = await askAccount({ plan, stack, ...options });
  if (answer.facts === null) {
    return { plan, note: `Quotas and zones of the account were not looked at. ${answer.reason}` };
  }
  const { facts, refusals } = answer;
  const aws = { ...plan.aws, availabilityZone: availabilityZoneFor(plan, facts) };
  return {
    plan: { ...withAccountFindings(plan, facts), aws },
    note: refusals.length === 0 ? null : `Not everything was looked at. ${refusals.join(" ")}`,
  };
}
