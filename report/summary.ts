import type { ClusterPlan } from "../plan/plan.ts";
import { usd } from "./amounts.ts";

/** A plan in one line, printed after an update. */
export function formatSummary(plan: ClusterPlan, stack: string): string {
  const { model, backends, cost, target } = plan;
  const shape =
    backends.length === 0 ? "a front alone" : `a front and ${backends.length} backend${backends.length > 1 ? "s" : ""}`;
  const price = cost === null ? "no cost per hour" : `${usd(cost.usdPerHour)} US dollars per hour`;
  return `${model.name} on ${shape}, target ${target}, ${price}. For the whole plan, run: npm run plan -- -s ${stack}`;
}
