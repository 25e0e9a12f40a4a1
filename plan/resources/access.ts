/** How the front is reached, and how machines without a way out reach AWS. */

import type { AwsAccess, AwsCluster } from "../hosts/cluster.ts";

/** How the front on EC2 is reached. */
export type AccessPlan = AwsAccess;

/**
 * Services that the machines need: the registry's two, SSM for parameters, and its channel where a session is the way in.
 * None in a network that exists, which has its own way to AWS.
 */
export function interfaceEndpoints({ network, access }: AwsCluster): string[] {
  if (network !== null) return [];
  return ["ecr.api", "ecr.dkr", "ssm", ...(access.mode === "ssm" ? ["ssmmessages"] : [])];
}
