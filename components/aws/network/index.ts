import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { ExistingNetworkPlan, OwnNetworkPlan } from "../../../plan/resources/network.ts";
import { type ClusterContext, tagsOf } from "../naming.ts";
import { InterfaceEndpoints, S3Endpoint } from "./endpoints.ts";
import { FlowLog } from "./flow-log.ts";
import { PublicSubnets } from "./public-subnets.ts";

/** The network of a cluster's machines: ours or the user's. */
export interface ClusterNetwork {
  vpcId: pulumi.Output<string>;
  /** Subnet of the machines. */
  clusterSubnetId: pulumi.Output<string>;
  /** Subnet of the internal load balancer. */
  serviceSubnetId: pulumi.Output<string>;
  /** Subnets of the public load balancer; empty without one. */
  publicSubnetIds: readonly pulumi.Output<string>[];
  /** Resources that must exist before a public load balancer. */
  publicReadiness: readonly pulumi.Resource[];
  /** Destination for AWS's services: the security group of the endpoints, or the VPC's addresses. */
  services: { groupId: pulumi.Output<string> } | { cidr: pulumi.Output<string> };
  /** The networks of S3, which serves the model, the images' layers and Amazon Linux's packages. */
  s3PrefixListId: pulumi.Output<string>;
  /** Gateway endpoint for reading the model; null if the network is the user's. */
  s3EndpointId: pulumi.Output<string> | null;
  /** Resources that must exist before machines start, because machines need access to AWS. */
  readiness: readonly pulumi.Resource[];
}

export interface OwnNetworkArgs {
  context: ClusterContext;
  plan: OwnNetworkPlan;
}

/**
 * A VPC in one zone without a route to the Internet. Machines reach S3 through a gateway endpoint, and each other service
 * through an interface endpoint. A public load balancer has separate subnets with an Internet gateway; no machine is in them.
 *
 * ### Cost
 * Interface endpoints, 7.30 US dollars per month each; flow logs by volume; the rest is free.
 */
export class OwnNetwork extends pulumi.ComponentResource implements ClusterNetwork {
  readonly vpcId: pulumi.Output<string>;
  readonly clusterSubnetId: pulumi.Output<string>;
  readonly serviceSubnetId: pulumi.Output<string>;
  readonly publicSubnetIds: readonly pulumi.Output<string>[];
  readonly publicReadiness: readonly pulumi.Resource[];
  readonly services: { groupId: pulumi.Output<string> };
  readonly s3PrefixListId: pulumi.Output<string>;
  readonly s3EndpointId: pulumi.Output<string>;
  readonly readiness: readonly pulumi.Resource[];

  constructor(name: string, args: OwnNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    const { context, plan } = args;
    super("llama-rpc-cluster:aws:OwnNetwork", name, { ...plan }, opts);
    const { availabilityZone } = context.plan;
    const childOptions = { parent: this };
    const vpc = new aws.ec2.Vpc(
      `${name}-vpc`,
      {
        cidrBlock: plan.vpcCidr,
        // The private DNS names of the interface endpoints need both.
        enableDnsSupport: true,
        enableDnsHostnames: true,
        tags: tagsOf(context, "network", "vpc"),
      },
      childOptions,
    );
    // Every VPC has this group; without rules, membership gives no access.
    new aws.ec2.DefaultSecurityGroup(
      `${name}-default-group`,
      { vpcId: vpc.id, tags: tagsOf(context, "network", "default-unused") },
      childOptions,
    );
    const cluster = new aws.ec2.Subnet(
      `${name}-cluster`,
      {
        vpcId: vpc.id,
        cidrBlock: plan.clusterCidr,
        ...(availabilityZone === null ? {} : { availabilityZone }),
        tags: tagsOf(context, "network", "cluster"),
      },
      childOptions,
    );
    const service = new aws.ec2.Subnet(
      `${name}-services`,
      {
        vpcId: vpc.id,
        cidrBlock: plan.serviceCidr,
        availabilityZone: cluster.availabilityZone,
        tags: tagsOf(context, "network", "services"),
      },
      childOptions,
    );
    const isolated = new aws.ec2.RouteTable(
      `${name}-isolated`,
      { vpcId: vpc.id, tags: tagsOf(context, "network", "isolated") },
      childOptions,
    );
    const associations = Object.entries({ cluster, services: service }).map(
      ([subnet, { id }]) =>
        new aws.ec2.RouteTableAssociation(
          `${name}-${subnet}-isolated`,
          { subnetId: id, routeTableId: isolated.id },
          childOptions,
        ),
    );
    const s3 = new S3Endpoint(`${name}-s3`, { context, vpcId: vpc.id, routeTableId: isolated.id }, childOptions);
    const endpoints = new InterfaceEndpoints(
      `${name}-endpoints`,
      { context, vpcId: vpc.id, subnetId: service.id, services: context.plan.interfaceEndpoints },
      childOptions,
    );
    const open =
      plan.publicCidrs.length === 0
        ? null
        : new PublicSubnets(
            `${name}-public`,
            { context, vpcId: vpc.id, cidrs: plan.publicCidrs, firstZone: cluster.availabilityZone },
            childOptions,
          );
    if (context.plan.flowLogs) new FlowLog(`${name}-flow-log`, { context, vpcId: vpc.id }, childOptions);

    this.vpcId = vpc.id;
    this.clusterSubnetId = cluster.id;
    this.serviceSubnetId = service.id;
    this.publicSubnetIds = open?.subnetIds ?? [];
    this.publicReadiness = open?.readiness ?? [];
    this.services = { groupId: endpoints.groupId };
    this.s3PrefixListId = s3.prefixListId;
    this.s3EndpointId = s3.endpointId;
    this.readiness = [...associations, s3.endpoint, ...endpoints.endpoints];
    this.registerOutputs();
  }
}

/**
 * A network of the user. Only security groups and the load balancer are created in it. Its VPC must have endpoints for S3
 * (a gateway), ECR, SSM and, for sessions, ssmmessages, because the machines' groups allow only its addresses and S3.
 */
export class ExistingNetwork implements ClusterNetwork {
  readonly vpcId: pulumi.Output<string>;
  readonly clusterSubnetId: pulumi.Output<string>;
  readonly serviceSubnetId: pulumi.Output<string>;
  readonly publicSubnetIds: readonly pulumi.Output<string>[];
  readonly publicReadiness: readonly pulumi.Resource[] = [];
  readonly services: { cidr: pulumi.Output<string> };
  readonly s3PrefixListId: pulumi.Output<string>;
  readonly s3EndpointId = null;
  readonly readiness: readonly pulumi.Resource[] = [];

  constructor(plan: ExistingNetworkPlan, region: string, opts: pulumi.InvokeOptions) {
    this.vpcId = pulumi.output(plan.vpcId);
    this.clusterSubnetId = pulumi.output(plan.subnetId);
    this.serviceSubnetId = this.clusterSubnetId;
    this.publicSubnetIds = plan.publicSubnetIds.map((id) => pulumi.output(id));
    this.services = { cidr: aws.ec2.getVpcOutput({ id: plan.vpcId }, opts).cidrBlock };
    this.s3PrefixListId = aws.ec2.getPrefixListOutput({ name: `com.amazonaws.${region}.s3` }, opts).id;
  }
}
