import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type ClusterContext, tagsOf } from "../naming.ts";
import { ServiceRole } from "../role.ts";

/** How long logs are kept. */
export const LOG_DAYS = 30;

/**
 * A log of the connections that the network rejected.
 *
 * ### Cost
 * CloudWatch Logs, 0.50 US dollars per GB in us-east-1; a network without rejected connections writes next to nothing.
 */
export class FlowLog extends pulumi.ComponentResource {
  constructor(
    name: string,
    args: { context: ClusterContext; vpcId: pulumi.Input<string> },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("llama-rpc-cluster:aws:FlowLog", name, { days: LOG_DAYS }, opts);
    const { context, vpcId } = args;
    const group = new aws.cloudwatch.LogGroup(
      name,
      {
        name: `/llama-rpc-cluster/${context.stack}/flow`,
        retentionInDays: LOG_DAYS,
        tags: tagsOf(context, "network", "flow"),
      },
      { parent: this },
    );
    const { role, policy } = new ServiceRole(
      `${name}-role`,
      {
        context,
        service: "vpc-flow-logs.amazonaws.com",
        role: "network",
        folder: "services",
        purpose: "network-flow-log-role",
        statements: [
          {
            Sid: "WriteTheLog",
            Action: ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            Resource: pulumi.interpolate`${group.arn}:*`,
          },
          { Sid: "FindTheLog", Action: ["logs:DescribeLogGroups"], Resource: pulumi.interpolate`${group.arn}:*` },
        ],
      },
      { parent: this },
    );
    new aws.ec2.FlowLog(
      name,
      {
        vpcId,
        trafficType: "REJECT",
        logDestinationType: "cloud-watch-logs",
        logDestination: group.arn,
        iamRoleArn: role.arn,
        maxAggregationInterval: 600,
        tags: tagsOf(context, "network", "flow"),
      },
      { parent: this, dependsOn: [policy] },
    );
    this.registerOutputs();
  }
}
