/** The network that the machines join: the cluster's own, or the user's. */

import { addressAt, networkOf } from "../../config/cidr.ts";
import type { AwsCluster, Cluster, GivenNetwork } from "../hosts/cluster.ts";

/** The networks of a VPC that the cluster creates. */
export interface OwnNetworkPlan {
  kind: "own";
  vpcCidr: string;
  /** For machines, which have fixed addresses and no route to the Internet. */
  clusterCidr: string;
  /** For interface endpoints and the internal load balancer, whose addresses AWS chooses. */
  serviceCidr: string;
  /** For the public load balancer, in two zones; empty if there is none. */
  publicCidrs: string[];
}

/** A network that the user provides. */
export interface ExistingNetworkPlan extends GivenNetwork {
  kind: "existing";
}

/** The range of the machines' addresses: half of the cluster's own VPC, or the whole private network otherwise. */
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

/** One of `parts` equal parts of a network. @param parts a power of two */
function partOf(cidr: string, parts: number, index: number): string {
  const network = networkOf(cidr);
  return `${addressAt(network, (index * network.size) / parts)}/${network.prefix + Math.log2(parts)}`;
}
