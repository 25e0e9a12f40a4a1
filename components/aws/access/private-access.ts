import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { AccessPlan } from "../../../plan/resources/access.ts";
import { tagsOf } from "../naming.ts";
import type { AccessArgs } from "./args.ts";
import { balancerGroup, frontTarget } from "./balancer.ts";

/** A long answer may say nothing for minutes while its prompt is computed: the most that a listener can be told. */
const IDLE_SECONDS = 6000;

/**
 * An internal load balancer that networks of the user's reach, and by option a PrivateLink service that other accounts
 * connect to. What goes over it is plain HTTP within AWS's network.
 *
 * ### Cost
 * 0.0225 US dollars per hour, and 0.006 per unit of capacity.
 */
export class PrivateAccess extends pulumi.ComponentResource {
  readonly endpoint: pulumi.Output<string>;
  /** Command with which another account connects, its own network still to be filled in; null without PrivateLink. */
  readonly command: pulumi.Output<string> | null;

  constructor(
    name: string,
    args: AccessArgs & { access: Extract<AccessPlan, { mode: "private" }> },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const { context, network, access } = args;
    super("llama-rpc-cluster:aws:PrivateAccess", name, { ...access }, opts);
    const { frontPort } = context.plan;
    const inside = { parent: this };
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
        // Who connects by PrivateLink is admitted by name; their addresses are their own network's.
        enforceSecurityGroupInboundRulesOnPrivateLinkTraffic: access.privateLinkPrincipals.length > 0 ? "off" : "on",
        tags,
      },
      inside,
    );
    const target = frontTarget(
      name,
      args,
      {
        protocol: "TCP",
        // The front sees the balancer, so that its group's rule is all that it needs.
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
      inside,
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
        inside,
      );
      this.command = pulumi.interpolate`aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface --region ${context.plan.region} --service-name ${service.serviceName} --vpc-id <yours> --subnet-ids <yours> --security-group-ids <yours>`;
    }
    this.endpoint = pulumi.interpolate`http://${balancer.dnsName}:${frontPort}`;
    this.registerOutputs({ endpoint: this.endpoint });
  }
}
