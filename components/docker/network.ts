import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { NetworkPlan } from "../../plan/resources/plans.ts";
import { labelsOf, physicalName } from "./naming.ts";

/**
 * The two networks of a cluster: `rpc` is internal and has the plan's addresses; `edge` has only the front, because the API
 * can't be published on the loopback address from an internal network.
 */
export class ClusterNetworks extends pulumi.ComponentResource {
  readonly rpc: docker.Network;
  readonly edge: docker.Network;

  constructor(name: string, args: { stack: string; network: NetworkPlan }, opts?: pulumi.ComponentResourceOptions) {
    super("llama-rpc-cluster:docker:ClusterNetworks", name, { stack: args.stack, cidr: args.network.cidr }, opts);
    this.rpc = new docker.Network(
      `${name}-rpc`,
      {
        name: physicalName(args.stack, "rpc"),
        driver: "bridge",
        internal: true,
        ipamConfigs: [{ subnet: args.network.cidr }],
        labels: labelsOf(args.stack, "network"),
      },
      { parent: this, deleteBeforeReplace: true },
    );
    this.edge = new docker.Network(
      `${name}-edge`,
      { name: physicalName(args.stack, "edge"), driver: "bridge", labels: labelsOf(args.stack, "network") },
      { parent: this, deleteBeforeReplace: true },
    );
    this.registerOutputs();
  }
}
