/** What doctor finds out about a cluster on EC2. */
import type { AwsPlan } from "../../plan/resources/aws.ts";
import { apiStatuses, type Outputs } from "../live/cluster.ts";
import { judgeAws } from "./aws-health.ts";
import { lookAtMachines } from "./aws-machines.ts";
import type { Check } from "./health.ts";

/** Looks at the machines from AWS's side and at the front from this machine's, and judges what is found. */
export async function awsClusterChecks(
  stack: string,
  outputs: Outputs,
  aws: AwsPlan,
  signal: AbortSignal,
): Promise<Check[]> {
  const { endpoint, connect, plan } = outputs;
  const place = { stack, region: aws.region };
  const [machines, statuses] = await Promise.all([lookAtMachines(place, plan.machines, signal), apiStatuses(outputs)]);
  const unseen: Check[] =
    "found" in machines ? [] : [{ name: "machines", found: machines.refusal.what, remedy: machines.refusal.remedy }];
  const judged = judgeAws({
    ...place,
    now: Date.now(),
    schedule: aws.guardrails.schedule,
    machines: "found" in machines ? machines.found : null,
    access: aws.access,
    endpoint,
    connect,
    statuses,
  });
  return [...unseen, ...judged];
}
