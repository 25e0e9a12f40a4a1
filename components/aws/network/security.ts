import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { formerly } from "../../aliases.ts";
import { type ClusterContext, type ResourceRole, tagsOf } from "../naming.ts";
import type { ClusterNetwork } from "./index.ts";

const HTTPS_PORT = 443;

/**
 * The security groups. RPC has no authentication: a client that reaches a backend's port can run code in it. So only the
 * front's group reaches it, by reference and not by address. Front and backends reach nothing outside but AWS's services.
 */
export class SecurityGroups extends pulumi.ComponentResource {
  readonly front: aws.ec2.SecurityGroup;
  readonly backend: aws.ec2.SecurityGroup;
  /** Rules that must exist before machines start. */
  readonly rules: readonly pulumi.Resource[];

  constructor(
    name: string,
    args: { context: ClusterContext; network: ClusterNetwork },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const { context, network } = args;
    super("llama-rpc-cluster:aws:SecurityGroups", name, { rpcPorts: context.plan.rpcPorts }, opts);
    // EC2 refuses an apostrophe in a description.
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
    const rules = new Rules(name, context, this);

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

/** What a rule allows, and for whom. */
type RuleArgs = Omit<aws.vpc.SecurityGroupIngressRuleArgs, "securityGroupId" | "description" | "tags">;

/** Creates each rule as a separate resource, because inline rules that refer to one another can't be destroyed. */
export class Rules {
  readonly made: pulumi.Resource[] = [];
  readonly #prefix: string;
  readonly #context: ClusterContext;
  readonly #parent: pulumi.Resource;

  /** @param prefix name of the component that the rules belong to */
  constructor(prefix: string, context: ClusterContext, parent: pulumi.Resource) {
    this.#prefix = prefix;
    this.#context = context;
    this.#parent = parent;
  }

  /** @param purpose the rule's description, its tag `Name` and the end of its name */
  in(purpose: string, group: { id: pulumi.Input<string> }, rule: RuleArgs, role: ResourceRole): void {
    const { name, options } = this.#identity(purpose);
    this.made.push(new aws.vpc.SecurityGroupIngressRule(name, this.#args(purpose, group, rule, role), options));
  }

  /** @param purpose the rule's description, its tag `Name` and the end of its name */
  out(purpose: string, group: { id: pulumi.Input<string> }, rule: RuleArgs, role: ResourceRole): void {
    const { name, options } = this.#identity(purpose);
    this.made.push(new aws.vpc.SecurityGroupEgressRule(name, this.#args(purpose, group, rule, role), options));
  }

  #identity(purpose: string) {
    const name = `${this.#prefix}-${purpose}`;
    return { name, options: { parent: this.#parent, ...formerly(name, purpose) } };
  }

  #args(purpose: string, group: { id: pulumi.Input<string> }, rule: RuleArgs, role: ResourceRole) {
    return {
      ...rule,
      securityGroupId: group.id,
      description: purpose.replaceAll("-", " "),
      tags: tagsOf(this.#context, role, purpose),
    };
  }
}
