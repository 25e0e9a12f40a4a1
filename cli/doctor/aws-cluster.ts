/** Collects what doctor needs to know about a cluster on EC2. */
import type { AwsPlan } from "../../plan/resources/aws.ts";
import { apiStatuses, type Outputs } from "../live/cluster.ts";
import { judgeAws } from "./aws-health.ts";
import { lookAtMachines } from "./aws-machines.ts";
import type { Check } from "./health.ts";

/** Checks the machines through AWS and the front from this machine. */
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
