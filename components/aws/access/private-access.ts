import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { AccessPlan } from "../../../plan/resources/access.ts";
import { tagsOf } from "../naming.ts";
import type { AccessArgs } from "./args.ts";
import { balancerGroup, frontTarget } from "./balancer.ts";

/** Longest idle time that a listener allows, because a long prompt is computed for minutes before the first token. */
const IDLE_SECONDS = 6000;

/**
 * An internal load balancer for networks of the user and, as an option, a PrivateLink service for other accounts. The
 * traffic is plain HTTP within AWS's network.
 *
 * ### Cost
 * 0.0225 US dollars per hour, and 0.006 per unit of capacity.
 */
export class PrivateAccess extends pulumi.ComponentResource {
  readonly endpoint: pulumi.Output<string>;
  /** Command for another account, with placeholders for its network; null without PrivateLink. */
  readonly command: pulumi.Output<string> | null;

  constructor(
    name: string,
    args: AccessArgs & { access: Extract<AccessPlan, { mode: "private" }> },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const { context, network, access } = args;
    super("llama-rpc-cluster:aws:PrivateAccess", name, { ...access }, opts);
    const { frontPort } = context.plan;
    const childOptions = { parent: this };
    const tags = tagsOf(context, "load-balancer", "internal");
    const group = balancerGroup(
      name,
      {
        ...args,
        allowedCidrs: access.allowedCidrs,
        description: "Internal load balancer: reached from allowed networks, reaches the front",
        port: frontPort,
        tags,
      },
      this,
    );
    const balancer = new aws.lb.LoadBalancer(
      name,
      {
        internal: true,
        loadBalancerType: "network",
        subnets: [network.serviceSubnetId],
        securityGroups: [group.id],
        enableDeletionProtection: context.plan.isProtected,
        // PrivateLink clients are admitted by account: their addresses belong to their own network.
        enforceSecurityGroupInboundRulesOnPrivateLinkTraffic: access.privateLinkPrincipals.length > 0 ? "off" : "on",
        tags,
      },
      childOptions,
    );
    const target = frontTarget(
      name,
      args,
      {
        protocol: "TCP",
        // The front sees the balancer's address, so the rule for the balancer's group is enough.
        preserveClientIp: "false",
        healthCheck: { protocol: "HTTP", path: "/health", matcher: "200", interval: 10 },
        tags,
      },
      this,
    );
    new aws.lb.Listener(
      name,
      {
        loadBalancerArn: balancer.arn,
        protocol: "TCP",
        port: frontPort,
        tcpIdleTimeoutSeconds: IDLE_SECONDS,
        defaultActions: [{ type: "forward", targetGroupArn: target.arn }],
        tags,
      },
      childOptions,
    );
    if (access.privateLinkPrincipals.length === 0) {
      this.command = null;
    } else {
      const service = new aws.ec2.VpcEndpointService(
        `${name}-service`,
        {
          acceptanceRequired: false,
          networkLoadBalancerArns: [balancer.arn],
          allowedPrincipals: access.privateLinkPrincipals,
          tags,
        },
        childOptions,
      );
      this.command = pulumi.interpolate`aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface --region ${context.plan.region} --service-name ${service.serviceName} --vpc-id <yours> --subnet-ids <yours> --security-group-ids <yours>`;
    }
    this.endpoint = pulumi.interpolate`http://${balancer.dnsName}:${frontPort}`;
    this.registerOutputs({ endpoint: this.endpoint });
  }
}
