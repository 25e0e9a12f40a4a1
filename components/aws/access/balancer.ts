import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { Rules } from "../network/security.ts";
import type { AccessArgs } from "./args.ts";

export interface BalancerArgs extends AccessArgs {
  /** Networks that may reach it. */
  allowedCidrs: readonly string[];
  /** Description of the group. */
  description: string;
  /** Port that it listens on. */
  port: number;
  tags: Record<string, string>;
}

/** The security group of a load balancer: allowed networks reach it, and it reaches the front. */
export function balancerGroup(name: string, args: BalancerArgs, parent: pulumi.Resource): aws.ec2.SecurityGroup {
  const { context, network, frontGroup } = args;
  const group = new aws.ec2.SecurityGroup(
    `${name}-group`,
    { vpcId: network.vpcId, description: args.description, revokeRulesOnDelete: true, tags: args.tags },
    { parent },
  );
  const at = (port: number) => ({ ipProtocol: "tcp", fromPort: port, toPort: port });
  const toFront = at(context.plan.frontPort);
  const rules = new Rules(name, context, parent);
  for (const cidrIpv4 of args.allowedCidrs) {
    // Named after the network, so that removing one changes none of the others.
    rules.in(
      `balancer-from-${cidrIpv4.replaceAll(/[./]/g, "-")}`,
      group,
      { ...at(args.port), cidrIpv4 },
      "load-balancer",
    );
  }
  rules.out("balancer-to-front", group, { ...toFront, referencedSecurityGroupId: frontGroup.id }, "load-balancer");
  rules.in("front-from-balancer", frontGroup, { ...toFront, referencedSecurityGroupId: group.id }, "front");
  return group;
}

/** The front as a load balancer's target: by its fixed address, so it does not depend on the machine. */
export function frontTarget(
  name: string,
  args: AccessArgs,
  target: Omit<aws.lb.TargetGroupArgs, "vpcId" | "port" | "targetType">,
  parent: pulumi.Resource,
): aws.lb.TargetGroup {
  const port = args.context.plan.frontPort;
  const group = new aws.lb.TargetGroup(
    name,
    { vpcId: args.network.vpcId, port, targetType: "ip", ...target },
    { parent },
  );
  new aws.lb.TargetGroupAttachment(name, { targetGroupArn: group.arn, targetId: args.frontAddress, port }, { parent });
  return group;
}
