import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type ClusterContext, tagsOf } from "../naming.ts";

/**
 * The endpoint of S3, for the model, the layers of images and Amazon Linux's packages. Its policy allows no other bucket; the
 * role of a machine decides which objects of the model's bucket it may read.
 *
 * ### Cost
 * None: gateway endpoints are free.
 */
export class S3Endpoint extends pulumi.ComponentResource {
  readonly endpoint: aws.ec2.VpcEndpoint;
  readonly endpointId: pulumi.Output<string>;
  readonly prefixListId: pulumi.Output<string>;

  constructor(
    name: string,
    args: { context: ClusterContext; vpcId: pulumi.Input<string>; routeTableId: pulumi.Input<string> },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("llama-rpc-cluster:aws:S3Endpoint", name, { region: args.context.plan.region }, opts);
    const { context } = args;
    const { region } = context.plan;
    this.endpoint = new aws.ec2.VpcEndpoint(
      name,
      {
        vpcId: args.vpcId,
        serviceName: `com.amazonaws.${region}.s3`,
        vpcEndpointType: "Gateway",
        routeTableIds: [args.routeTableId],
        policy: pulumi.jsonStringify({
          Version: "2012-10-17",
          Statement: [
            {
              Sid: "LayersOfImagesAndPackagesOfAmazonLinux",
              Effect: "Allow",
              Principal: "*",
              Action: ["s3:GetObject"],
              Resource: [
                // docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html, "Minimum Amazon S3 Bucket Permissions"
                `arn:aws:s3:::prod-${region}-starport-layer-bucket/*`,
                // docs.aws.amazon.com/linux/al2023/ug/al2023-s3-endpoints.html
                `arn:aws:s3:::al2023-repos-${region}-de612dc2/*`,
              ],
            },
            {
              Sid: "BucketsOfThisAccount",
              Effect: "Allow",
              Principal: "*",
              Action: ["s3:GetObject", "s3:ListBucket"],
              Resource: ["arn:aws:s3:::*"],
              Condition: {
                StringEquals: { "aws:ResourceAccount": aws.getCallerIdentityOutput({}, { parent: this }).accountId },
              },
            },
          ],
        }),
        tags: tagsOf(context, "endpoint", "s3"),
      },
      { parent: this },
    );
    this.endpointId = this.endpoint.id;
    this.prefixListId = this.endpoint.prefixListId;
    this.registerOutputs();
  }
}

export interface InterfaceEndpointsArgs {
  context: ClusterContext;
  vpcId: pulumi.Input<string>;
  subnetId: pulumi.Input<string>;
  /** Last part of each service's name: `ecr.api`. */
  services: readonly string[];
}

/**
 * The endpoints of AWS's services for machines without Internet access; only identities of this account may use them.
 *
 * ### Cost
 * 0.01 US dollars per hour and endpoint, and 0.01 per GB.
 */
export class InterfaceEndpoints extends pulumi.ComponentResource {
  readonly endpoints: readonly aws.ec2.VpcEndpoint[];
  /** The endpoints' security group; its rules decide who reaches them. */
  readonly groupId: pulumi.Output<string>;

  constructor(name: string, args: InterfaceEndpointsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("llama-rpc-cluster:aws:InterfaceEndpoints", name, { services: [...args.services] }, opts);
    const { context } = args;
    const group = new aws.ec2.SecurityGroup(
      `${name}-group`,
      {
        vpcId: args.vpcId,
        description: "Interface endpoints: reached by the machines of the cluster",
        revokeRulesOnDelete: true,
        tags: tagsOf(context, "endpoint", "endpoints"),
      },
      { parent: this },
    );
    this.groupId = group.id;
    const { accountId } = aws.getCallerIdentityOutput({}, { parent: this });
    const policy = pulumi.jsonStringify({
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "IdentitiesOfThisAccount",
          Effect: "Allow",
          Principal: "*",
          Action: "*",
          Resource: "*",
          Condition: { StringEquals: { "aws:PrincipalAccount": accountId } },
        },
      ],
    });
    this.endpoints = args.services.map(
      (service) =>
        new aws.ec2.VpcEndpoint(
          `${name}-${service.replaceAll(".", "-")}`,
          {
            vpcId: args.vpcId,
            serviceName: `com.amazonaws.${context.plan.region}.${service}`,
            vpcEndpointType: "Interface",
            privateDnsEnabled: true,
            subnetIds: [args.subnetId],
            securityGroupIds: [group.id],
            policy,
            tags: tagsOf(context, "endpoint", service),
          },
          { parent: this },
        ),
    );
    this.registerOutputs();
  }
}
