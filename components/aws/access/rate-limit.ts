import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type ClusterContext, physicalName, tagsOf } from "../naming.ts";

export interface RateLimitArgs {
  context: ClusterContext;
  requestsPerFiveMinutes: number;
  balancerArn: pulumi.Input<string>;
}

/**
 * A web firewall that answers 403 to an address with too many requests.
 *
 * ### Cost
 * 5 US dollars per month, 1 for the rule, and 0.60 per million requests.
 */
export class RateLimit extends pulumi.ComponentResource {
  constructor(name: string, args: RateLimitArgs, opts?: pulumi.ComponentResourceOptions) {
    const { context, requestsPerFiveMinutes } = args;
    super("llama-rpc-cluster:aws:RateLimit", name, { requestsPerFiveMinutes }, opts);
    const counted = (metricName: string) => ({
      metricName,
      cloudwatchMetricsEnabled: true,
      // Samples would hold parts of users' requests.
      sampledRequestsEnabled: false,
    });
    const firewall = new aws.wafv2.WebAcl(
      name,
      {
        name: physicalName(context, "rate"),
        scope: "REGIONAL",
        defaultAction: { allow: {} },
        rules: [
          {
            name: "rate",
            priority: 1,
            action: { block: {} },
            statement: { rateBasedStatement: { limit: requestsPerFiveMinutes, aggregateKeyType: "IP" } },
            visibilityConfig: counted("too-often"),
          },
        ],
        visibilityConfig: counted("all"),
        tags: tagsOf(context, "load-balancer", "rate"),
      },
      { parent: this },
    );
    new aws.wafv2.WebAclAssociation(name, { resourceArn: args.balancerArn, webAclArn: firewall.arn }, { parent: this });
    this.registerOutputs();
  }
}
