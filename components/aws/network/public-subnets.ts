import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type ClusterContext, tagsOf } from "../naming.ts";

export interface PublicSubnetsArgs {
  context: ClusterContext;
  vpcId: pulumi.Input<string>;
  /** One for each subnet. */
  cidrs: readonly string[];
  /** Zone of the first subnet: the machines' zone. */
  firstZone: pulumi.Output<string>;
}

/**
 * Subnets for the public load balancer in two zones, which AWS requires, with an Internet gateway. No machine is in them.
 *
 * ### Cost
 * None by themselves; the load balancer's addresses cost 3.65 US dollars per month each.
 */
export class PublicSubnets extends pulumi.ComponentResource {
  readonly subnetIds: readonly pulumi.Output<string>[];
  /** Resources that must exist before the load balancer: AWS refuses subnets without a route to the Internet. */
  readonly readiness: readonly pulumi.Resource[];

  constructor(name: string, args: PublicSubnetsArgs, opts?: pulumi.ComponentResourceOptions) {
    const { context, vpcId, cidrs, firstZone } = args;
    super("llama-rpc-cluster:aws:PublicSubnets", name, { cidrs: [...cidrs] }, opts);
    const childOptions = { parent: this };
    const gateway = new aws.ec2.InternetGateway(
      `${name}-gateway`,
      { vpcId, tags: tagsOf(context, "load-balancer", "public") },
      childOptions,
    );
    const table = new aws.ec2.RouteTable(
      name,
      { vpcId, tags: tagsOf(context, "load-balancer", "public") },
      childOptions,
    );
    const route = new aws.ec2.Route(
      `${name}-default`,
      { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id },
      childOptions,
    );
    const otherZones = pulumi
      .all([
        firstZone,
        aws.getAvailabilityZonesOutput(
          { state: "available", filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }] },
          childOptions,
        ).names,
      ])
      .apply(([first, names]) => names.filter((zone) => zone !== first));
    const subnets = cidrs.map(
      (cidrBlock, index) =>
        new aws.ec2.Subnet(
          `${name}-${index}`,
          {
            vpcId,
            cidrBlock,
            availabilityZone: index === 0 ? firstZone : otherZones.apply((zones) => zoneAt(zones, index - 1)),
            tags: tagsOf(context, "load-balancer", `public-${index}`),
          },
          // A zone that AWS adds later must not move the second subnet.
          { parent: this, ignoreChanges: index === 0 ? [] : ["availabilityZone"] },
        ),
    );
    const associations = subnets.map(
      ({ id }, index) =>
        new aws.ec2.RouteTableAssociation(`${name}-${index}`, { subnetId: id, routeTableId: table.id }, childOptions),
    );
    this.subnetIds = subnets.map(({ id }) => id);
    this.readiness = [route, ...associations];
    this.registerOutputs();
  }
}

function zoneAt(zones: readonly string[], index: number): string {
  const zone = zones[index];
  if (zone === undefined)
    throw new Error("A public load balancer needs two zones, and the region offers one to this account.");
  return zone;
}
