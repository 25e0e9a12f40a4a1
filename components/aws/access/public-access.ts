import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { AccessPlan } from "../../../plan/resources/access.ts";
import { physicalName, tagsOf } from "../naming.ts";
import type { AccessArgs } from "./args.ts";
import { balancerGroup, frontTarget } from "./balancer.ts";
import { Certificate } from "./certificate.ts";
import { RateLimit } from "./rate-limit.ts";

const HTTPS_PORT = 443;
/** Longest idle time that a load balancer allows, because a long prompt is computed for minutes before the first token. */
const IDLE_SECONDS = 4000;
/** TLS 1.3, and 1.2 with forward secrecy. */
const TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06";

/**
 * A public load balancer with a certificate and the user's domain name; it answers with TLS only.
 *
 * ### Cost
 * 0.0225 US dollars per hour, 0.008 per unit of capacity and hour, 0.005 per hour for each of its two addresses, and the
 * cost of {@link RateLimit}.
 */
export class PublicAccess extends pulumi.ComponentResource {
  readonly endpoint: pulumi.Output<string>;

  constructor(
    name: string,
    args: AccessArgs & { access: Extract<AccessPlan, { mode: "public" }> },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const { context, network, access } = args;
    super("llama-rpc-cluster:aws:PublicAccess", name, { ...access }, opts);
    const childOptions = { parent: this };
    const tags = tagsOf(context, "load-balancer", "public");
    const group = balancerGroup(
      name,
      {
        ...args,
        allowedCidrs: access.allowedCidrs,
        description: "Public load balancer: reached by HTTPS from allowed networks, reaches the front",
        port: HTTPS_PORT,
        tags,
      },
      this,
    );
    const balancer = new aws.lb.LoadBalancer(
      name,
      {
        loadBalancerType: "application",
        internal: false,
        subnets: [...network.publicSubnetIds],
        securityGroups: [group.id],
        idleTimeout: IDLE_SECONDS,
        dropInvalidHeaderFields: true,
        enableDeletionProtection: context.plan.isProtected,
        tags,
      },
      { parent: this, dependsOn: [...network.publicReadiness] },
    );
    const target = frontTarget(
      name,
      args,
      {
        protocol: "HTTP",
        // The front answers 503 while it loads.
        healthCheck: { protocol: "HTTP", path: "/health", matcher: "200", interval: 10, unhealthyThreshold: 3 },
        tags,
      },
      this,
    );
    const zone = aws.route53.getZoneOutput({ name: access.hostedZone, privateZone: false }, childOptions);
    const certificate = new Certificate(
      `${name}-certificate`,
      { context, domain: access.domain, zoneId: zone.zoneId },
      childOptions,
    );
    new aws.lb.Listener(
      name,
      {
        loadBalancerArn: balancer.arn,
        protocol: "HTTPS",
        port: HTTPS_PORT,
        sslPolicy: TLS_POLICY,
        certificateArn: certificate.arn,
        defaultActions: [{ type: "forward", targetGroupArn: target.arn }],
        tags,
      },
      childOptions,
    );
    new aws.route53.Record(
      `${name}-name`,
      {
        zoneId: zone.zoneId,
        name: access.domain,
        type: "A",
        aliases: [{ name: balancer.dnsName, zoneId: balancer.zoneId, evaluateTargetHealth: false }],
      },
      childOptions,
    );
    if (access.requestsPerFiveMinutes !== null) {
      new RateLimit(
        `${name}-rate`,
        { context, requestsPerFiveMinutes: access.requestsPerFiveMinutes, balancerArn: balancer.arn },
        childOptions,
      );
    }
    if (args.alarmTopic !== null) {
      new aws.cloudwatch.MetricAlarm(
        `${name}-silent`,
        {
          name: physicalName(context, "front-silent"),
          alarmDescription: "The front does not answer the load balancer",
          namespace: "AWS/ApplicationELB",
          metricName: "HealthyHostCount",
          dimensions: { TargetGroup: target.arnSuffix, LoadBalancer: balancer.arnSuffix },
          statistic: "Minimum",
          period: 60,
          evaluationPeriods: 10,
          threshold: 1,
          comparisonOperator: "LessThanThreshold",
          treatMissingData: "notBreaching",
          alarmActions: [args.alarmTopic],
          tags: tagsOf(context, "load-balancer", "front-silent"),
        },
        childOptions,
      );
    }
    this.endpoint = pulumi.output(`https://${access.domain}`);
    this.registerOutputs({ endpoint: this.endpoint });
  }
}
