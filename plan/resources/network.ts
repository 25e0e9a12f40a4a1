/** The network that the machines join: the cluster's own, or the user's. */

import { addressAt, networkOf } from "../../config/cidr.ts";
import type { AwsCluster, Cluster, GivenNetwork } from "../hosts/cluster.ts";

/** Networks of a VPC that the cluster has to itself. */
export interface OwnNetworkPlan {
  kind: "own";
  vpcCidr: string;
  /** Machines, with fixed addresses; no route leads out. */
  clusterCidr: string;
  /** Interface endpoints and the internal load balancer: AWS gives them addresses as it likes. */
  serviceCidr: string;
  /** Of the public load balancer, in two zones; empty unless there is one. */
  publicCidrs: string[];
}

/** A network of the user's. */
export interface ExistingNetworkPlan extends GivenNetwork {
  kind: "existing";
}

/** The cluster's addresses within the private network: half of a VPC of its own, else all of it. */
export function clusterCidr(cluster: Cluster, cidr: string): string {
  return cluster.target === "aws" && cluster.network === null ? partOf(cidr, 2, 0) : cidr;
}

/** The network of a cluster on EC2. */
export function networkPlan({ network, access }: AwsCluster, cidr: string): OwnNetworkPlan | ExistingNetworkPlan {
  if (network !== null) return { kind: "existing", ...network };
  return {
    kind: "own",
    vpcCidr: cidr,
    clusterCidr: partOf(cidr, 2, 0),
    serviceCidr: partOf(cidr, 8, 4),
    publicCidrs: access.mode === "public" ? [partOf(cidr, 8, 5), partOf(cidr, 8, 6)] : [],
  };
}

/** One of so many equal parts, a power of two. */
function partOf(cidr: string, parts: number, index: number): string {
  const network = networkOf(cidr);
  return `${addressAt(network, (index * network.size) / parts)}/${network.prefix + Math.log2(parts)}`;
}
