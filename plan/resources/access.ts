/** How clients reach the front, and how machines without a route to the Internet reach AWS. */

import type { AwsAccess, AwsCluster } from "../hosts/cluster.ts";

/** How clients reach the front on EC2. */
export type AccessPlan = AwsAccess;

/**
 * Services that need an interface endpoint: the registry's two, SSM for parameters, and SSM's channel if clients use
 * sessions. None in an existing network, which has its own route to AWS.
 */
export function interfaceEndpoints({ network, access }: AwsCluster): string[] {
  if (network !== null) return [];
  return ["ecr.api", "ecr.dkr", "ssm", ...(access.mode === "ssm" ? ["ssmmessages"] : [])];
}
