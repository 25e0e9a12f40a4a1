import { aws, BACKEND_GROUP, type Case, casesOf, ENDPOINT_GROUP, FRONT_GROUP, type Inputs, ref, tags } from "./case.ts";

const GROUPS = [FRONT_GROUP, BACKEND_GROUP, ENDPOINT_GROUP];
const front = ref("SecurityGroup", "front");
const backend = ref("SecurityGroup", "backend");
const endpoints = ref("SecurityGroup", "endpoints");

/** A rule of the backends' group, a resource of its own; RPC unless it says otherwise. */
const rule = (direction: "Ingress" | "Egress", inputs: Inputs) =>
  aws(`vpc/securityGroup${direction}Rule:SecurityGroup${direction}Rule`, "rule", {
    securityGroupId: backend,
    ipProtocol: "tcp",
    fromPort: 50052,
    toPort: 50052,
    ...inputs,
  });

const inlineRule = (direction: "ingress" | "egress", inputs: Inputs) =>
  aws("ec2/securityGroup:SecurityGroup", "inline", {
    tags: tags("backend"),
    [direction]: [{ protocol: "tcp", fromPort: 50052, toPort: 50052, ...inputs }],
  });

const legacyRule = (inputs: Inputs) =>
  aws("ec2/securityGroupRule:SecurityGroupRule", "legacy", {
    type: "ingress",
    securityGroupId: backend,
    protocol: "tcp",
    fromPort: 50052,
    toPort: 50052,
    ...inputs,
  });

const rpc = casesOf("rpc-from-the-front-alone", [
  ["the front's group may come in by reference", [...GROUPS, rule("Ingress", { referencedSecurityGroupId: front })]],
  ["an inline rule may name the front's group", [...GROUPS, inlineRule("ingress", { securityGroups: [front] })]],
  ["a legacy rule may name the front's group", [...GROUPS, legacyRule({ sourceSecurityGroupId: front })]],
  ["a network may reach another port", [rule("Ingress", { fromPort: 443, toPort: 443, cidrIpv4: "10.0.0.0/8" })]],
  [
    "a network may reach the RPC ports' numbers by UDP",
    [rule("Ingress", { ipProtocol: "udp", cidrIpv4: "10.0.0.0/8" })],
  ],
  ["the world comes in by IPv4", [rule("Ingress", { cidrIpv4: "0.0.0.0/0" })], ["rule cidrIpv4"]],
  ["the world comes in by IPv6", [rule("Ingress", { cidrIpv6: "::/0" })], ["rule cidrIpv6"]],
  ["one private address comes in", [rule("Ingress", { cidrIpv4: "10.0.0.7/32" })], ["rule cidrIpv4"]],
  ["a prefix list comes in", [rule("Ingress", { prefixListId: "pl-1" })], ["rule prefixListId"]],
  [
    "a range of ports covers one of the RPC ports",
    [rule("Ingress", { fromPort: 1024, toPort: 50052, cidrIpv4: "10.0.0.0/8" })],
    ["rule cidrIpv4"],
  ],
  [
    "the last RPC port is open",
    [rule("Ingress", { fromPort: 50067, toPort: 60000, cidrIpv4: "10.0.0.0/8" })],
    ["rule cidrIpv4"],
  ],
  [
    "every protocol is open",
    [rule("Ingress", { ipProtocol: "-1", fromPort: undefined, toPort: undefined, cidrIpv4: "10.0.0.0/8" })],
    ["rule cidrIpv4"],
  ],
  ["TCP is written as its number", [rule("Ingress", { ipProtocol: "6", cidrIpv4: "10.0.0.0/8" })], ["rule cidrIpv4"]],
  [
    "backends come in to each other",
    [...GROUPS, rule("Ingress", { referencedSecurityGroupId: backend })],
    ["rule referencedSecurityGroupId"],
  ],
  [
    "a group of another stack comes in",
    [...GROUPS, rule("Ingress", { referencedSecurityGroupId: "sg-0123456789abcdef0" })],
    ["rule referencedSecurityGroupId"],
  ],
  [
    "an inline rule opens IPv4, IPv6 and a prefix list",
    [inlineRule("ingress", { cidrBlocks: ["10.0.0.0/8"], ipv6CidrBlocks: ["fd00::/8"], prefixListIds: ["pl-1"] })],
    ["inline ingress[0].cidrBlocks[0]", "inline ingress[0].ipv6CidrBlocks[0]", "inline ingress[0].prefixListIds[0]"],
  ],
  ["an inline rule refers to itself", [inlineRule("ingress", { self: true })], ["inline ingress[0].self"]],
  [
    "an inline rule names the endpoints' group",
    [...GROUPS, inlineRule("ingress", { securityGroups: [endpoints] })],
    ["inline ingress[0].securityGroups[0]"],
  ],
  ["a legacy rule opens a network", [legacyRule({ cidrBlocks: ["0.0.0.0/0"] })], ["legacy cidrBlocks[0]"]],
  ["a legacy rule refers to itself", [legacyRule({ self: true })], ["legacy self"]],
  [
    "a legacy rule names the backends' group",
    [...GROUPS, legacyRule({ sourceSecurityGroupId: backend })],
    ["legacy sourceSecurityGroupId"],
  ],
  [
    "another group than the backends' is opened",
    [...GROUPS, rule("Ingress", { securityGroupId: endpoints, cidrIpv4: "0.0.0.0/0" })],
    ["rule cidrIpv4"],
  ],
]);

const nothingElse = casesOf("backend-accepts-rpc-alone", [
  [
    "all RPC ports are open to the front",
    [...GROUPS, rule("Ingress", { toPort: 50067, referencedSecurityGroupId: front })],
  ],
  [
    "endpoints accept HTTPS",
    [
      ...GROUPS,
      rule("Ingress", { securityGroupId: endpoints, fromPort: 443, toPort: 443, referencedSecurityGroupId: backend }),
    ],
  ],
  [
    "the front may reach another port of a backend",
    [...GROUPS, rule("Ingress", { fromPort: 8080, toPort: 8080, referencedSecurityGroupId: front })],
    ["rule fromPort"],
  ],
  [
    "the front may reach more than the RPC ports",
    [...GROUPS, rule("Ingress", { fromPort: 50000, referencedSecurityGroupId: front })],
    ["rule fromPort"],
  ],
  [
    "an inline rule opens every protocol to the front",
    [...GROUPS, inlineRule("ingress", { protocol: "-1", fromPort: 0, toPort: 0, securityGroups: [front] })],
    ["inline ingress[0].fromPort"],
  ],
]);

const wayOut = casesOf("backend-has-no-way-out", [
  [
    "backends reach endpoints by group, S3 by prefix list, and a VPC's own addresses",
    [
      ...GROUPS,
      rule("Egress", { fromPort: 443, toPort: 443, referencedSecurityGroupId: endpoints }),
      { ...rule("Egress", { fromPort: 443, toPort: 443, prefixListId: "pl-1" }), name: "to-s3" },
      { ...rule("Egress", { fromPort: 443, toPort: 443, cidrIpv4: "10.77.0.0/16" }), name: "to-vpc" },
    ],
  ],
  [
    "the front reaches the backends",
    [...GROUPS, rule("Egress", { securityGroupId: front, referencedSecurityGroupId: backend })],
  ],
  [
    "a backend reaches every address",
    [...GROUPS, rule("Egress", { fromPort: 443, toPort: 443, cidrIpv4: "0.0.0.0/0" })],
    ["rule cidrIpv4"],
  ],
  [
    "a backend reaches an IPv6 network",
    [...GROUPS, rule("Egress", { fromPort: 443, toPort: 443, cidrIpv6: "fd00::/8" })],
    ["rule cidrIpv6"],
  ],
  [
    "a backend reaches another port",
    [...GROUPS, rule("Egress", { fromPort: 22, toPort: 443, referencedSecurityGroupId: endpoints })],
    ["rule toPort"],
  ],
  [
    "an inline rule lets everything out",
    [inlineRule("egress", { protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["0.0.0.0/0"] })],
    ["inline egress[0].cidrBlocks[0]", "inline egress[0].toPort"],
  ],
]);

const world = casesOf("nobody-calls-out-to-the-world", [
  ["the front reaches a network", [rule("Egress", { securityGroupId: front, cidrIpv4: "10.0.0.0/16" })]],
  [
    "the world may come in to a load balancer",
    [rule("Ingress", { fromPort: 443, toPort: 443, cidrIpv4: "0.0.0.0/0" })],
  ],
  ["the front reaches every IPv4 address", [rule("Egress", { cidrIpv4: "0.0.0.0/0" })], ["rule cidrIpv4"]],
  ["the front reaches every IPv6 address", [rule("Egress", { cidrIpv6: "::/0" })], ["rule cidrIpv6"]],
  [
    "an inline rule reaches the world",
    [inlineRule("egress", { ipv6CidrBlocks: ["::/0"] })],
    ["inline egress[0].ipv6CidrBlocks[0]"],
  ],
  [
    "a legacy rule reaches the world",
    [legacyRule({ type: "egress", cidrBlocks: ["0.0.0.0/0"] })],
    ["legacy cidrBlocks[0]"],
  ],
]);

const address = (inputs: Inputs) =>
  aws("ec2/networkInterface:NetworkInterface", "address", { tags: tags("backend"), ...inputs });
const machine = (inputs: Inputs) => aws("ec2/instance:Instance", "machine", { tags: tags("backend"), ...inputs });

const ownGroup = casesOf("backend-has-its-own-group", [
  ["a backend is in the backends' group", [...GROUPS, address({ securityGroups: [backend] })]],
  ["a front is in a group of the user's", [address({ tags: tags("front"), securityGroups: ["sg-1"] })]],
  [
    "a machine has its groups from its interface",
    [machine({ primaryNetworkInterface: { networkInterfaceId: ref("NetworkInterface", "address") } })],
  ],
  ["a backend is in no group", [...GROUPS, address({ securityGroups: [] })], ["address securityGroups"]],
  [
    "a backend is in a group of somebody else, too",
    [...GROUPS, address({ securityGroups: [backend, "sg-1"] })],
    ["address securityGroups[1]"],
  ],
  [
    "a backend is in the front's group",
    [...GROUPS, address({ securityGroups: [front] })],
    ["address securityGroups[0]"],
  ],
  [
    "a machine without an interface is in the endpoints' group",
    [...GROUPS, machine({ vpcSecurityGroupIds: [endpoints] })],
    ["machine vpcSecurityGroupIds[0]"],
  ],
  [
    "a group is attached later",
    [
      aws("ec2/networkInterfaceSecurityGroupAttachment:NetworkInterfaceSecurityGroupAttachment", "later", {
        securityGroupId: "sg-1",
      }),
    ],
    ["later securityGroupId"],
  ],
]);

const vpc = aws("ec2/vpc:Vpc", "vpc", { tags: tags("network") });
const defaultGroup = (inputs: Inputs) =>
  aws("ec2/defaultSecurityGroup:DefaultSecurityGroup", "default", { vpcId: ref("Vpc", "vpc"), ...inputs });

const emptied = casesOf("default-group-is-empty", [
  ["the VPC's default group has no rule", [vpc, defaultGroup({})]],
  ["the VPC's default group is left as it is", [vpc], ["vpc "]],
  [
    "the default group lets its members reach each other",
    [vpc, defaultGroup({ ingress: [{ protocol: "-1", fromPort: 0, toPort: 0, self: true }] })],
    ["default ingress[0]"],
  ],
]);

const ssh = casesOf("no-port-22", [
  ["HTTPS is open", [rule("Ingress", { fromPort: 443, toPort: 443, cidrIpv4: "10.0.0.0/8" })]],
  [
    "SSH is open to one address",
    [rule("Ingress", { fromPort: 22, toPort: 22, cidrIpv4: "203.0.113.7/32" })],
    ["rule fromPort"],
  ],
  [
    "every protocol is open to a group",
    [...GROUPS, inlineRule("ingress", { protocol: "-1", fromPort: 0, toPort: 0, securityGroups: [front] })],
    ["inline ingress[0].fromPort"],
  ],
  [
    "a legacy rule's range covers it",
    [legacyRule({ fromPort: 0, toPort: 1024, cidrBlocks: ["10.0.0.0/8"] })],
    ["legacy fromPort"],
  ],
]);

export const securityGroupCases: readonly Case[] = [
  ...rpc,
  ...nothingElse,
  ...wayOut,
  ...world,
  ...ownGroup,
  ...emptied,
  ...ssh,
];
