import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type ClusterContext, tagsOf } from "../naming.ts";
import type { ClusterNetwork } from "./index.ts";

const HTTPS_PORT = 443;

/**
 * Who reaches whom. RPC has no authentication: whoever reaches a backend's port runs code in it, so its only way in is from
 * the front's group, by reference and not by address. Neither front nor backends have a way out but to AWS's services.
 */
export class SecurityGroups extends pulumi.ComponentResource {
  readonly front: aws.ec2.SecurityGroup;
  readonly backend: aws.ec2.SecurityGroup;
  /** Machines need their ways before they start. */
  readonly rules: readonly pulumi.Resource[];

  constructor(
    name: string,
    args: { context: ClusterContext; network: ClusterNetwork },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("llama-rpc-cluster:aws:SecurityGroups", name, {}, opts);
    const { context, network } = args;
    // EC2 takes no apostrophe in a description.
    const group = (role: "front" | "backend", description: string) =>
      new aws.ec2.SecurityGroup(
        `${name}-${role}`,
        { vpcId: network.vpcId, description, revokeRulesOnDelete: true, tags: tagsOf(context, role, role) },
        { parent: this },
      );
    this.front = group("front", "Front: reaches the backends and services of AWS");
    this.backend = group("backend", "Backends: reached by the front alone, reach services of AWS");
    const { first, last } = context.plan.rpcPorts;
    const rpc = { ipProtocol: "tcp", fromPort: first, toPort: last };
    const https = { ipProtocol: "tcp", fromPort: HTTPS_PORT, toPort: HTTPS_PORT };
    const machines = { front: this.front, backend: this.backend };
    const { services } = network;
    const rules = new Rules(context, this);

    rules.out("front-to-backends", this.front, { ...rpc, referencedSecurityGroupId: this.backend.id }, "front");
    rules.in("backends-from-front", this.backend, { ...rpc, referencedSecurityGroupId: this.front.id }, "backend");
    for (const [role, machine] of Object.entries(machines)) {
      rules.out(`${role}-to-s3`, machine, { ...https, prefixListId: network.s3PrefixListId }, "network");
      if ("cidr" in services) {
        rules.out(`${role}-to-services`, machine, { ...https, cidrIpv4: services.cidr }, "network");
      } else {
        rules.out(
          `${role}-to-services`,
          machine,
          { ...https, referencedSecurityGroupId: services.groupId },
          "endpoint",
        );
        rules.in(
          `services-from-${role}`,
          { id: services.groupId },
          { ...https, referencedSecurityGroupId: machine.id },
          "endpoint",
        );
      }
    }
    this.rules = rules.made;
    this.registerOutputs();
  }
}

/** What a rule lets through, and whom. */
type RuleArgs = Omit<aws.vpc.SecurityGroupIngressRuleArgs, "securityGroupId" | "description" | "tags">;

/** Makes rules, each a resource of its own: inline rules that refer to one another can't be destroyed. */
export class Rules {
  readonly made: pulumi.Resource[] = [];
  readonly #context: ClusterContext;
  readonly #parent: pulumi.Resource;

  constructor(context: ClusterContext, parent: pulumi.Resource) {
    this.#context = context;
    this.#parent = parent;
  }

  /** @param name what it is for; its description too */
  in(name: string, group: { id: pulumi.Input<string> }, rule: RuleArgs, role: Parameters<typeof tagsOf>[1]): void {
    this.made.push(
      new aws.vpc.SecurityGroupIngressRule(name, this.#args(name, group, rule, role), { parent: this.#parent }),
    );
  }

  /** @param name what it is for; its description too */
  out(name: string, group: { id: pulumi.Input<string> }, rule: RuleArgs, role: Parameters<typeof tagsOf>[1]): void {
    this.made.push(
      new aws.vpc.SecurityGroupEgressRule(name, this.#args(name, group, rule, role), { parent: this.#parent }),
    );
  }

  #args(name: string, group: { id: pulumi.Input<string> }, rule: RuleArgs, role: Parameters<typeof tagsOf>[1]) {
    return {
      ...rule,
      securityGroupId: group.id,
      description: name.replaceAll("-", " "),
      tags: tagsOf(this.#context, role, name),
    };
  }
}
