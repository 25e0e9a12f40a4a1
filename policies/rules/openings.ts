/** Rules of security groups, in whichever of the provider's forms they are written. */
import { at, aws, elements, isSet, type Props, type Resource, UNKNOWN } from "../model.ts";

export const SECURITY_GROUP = aws("ec2", "SecurityGroup");
export const DEFAULT_SECURITY_GROUP = aws("ec2", "DefaultSecurityGroup");
const INGRESS_RULE = aws("vpc", "SecurityGroupIngressRule");
const EGRESS_RULE = aws("vpc", "SecurityGroupEgressRule");
const LEGACY_RULE = aws("ec2", "SecurityGroupRule");

/** Who is at the other end of a rule. */
export interface Peer {
  kind: "network" | "prefix list" | "group" | "itself";
  path: string;
  value: unknown;
}

/** One rule of a security group. */
export interface Opening {
  direction: "ingress" | "egress";
  /** Where the rule is in its resource; empty if the resource is the rule. */
  path: string;
  /** Property that says whose rule it is; null if the resource is the group itself. */
  groupProperty: "securityGroupId" | null;
  protocol: unknown;
  fromPort: unknown;
  toPort: unknown;
  peers: readonly Peer[];
}

/** All rules that a resource holds. */
export function openingsOf({ type, props }: Resource): Opening[] {
  switch (type) {
    case SECURITY_GROUP:
    case DEFAULT_SECURITY_GROUP:
      return [...inline(props, "ingress"), ...inline(props, "egress")];
    case INGRESS_RULE:
      return [split(props, "ingress")];
    case EGRESS_RULE:
      return [split(props, "egress")];
    case LEGACY_RULE:
      return [legacy(props)];
    default:
      return [];
  }
}

function inline(props: Props, direction: "ingress" | "egress"): Opening[] {
  return elements(props[direction]).map((rule, index) => {
    const path = `${direction}[${index}]`;
    return {
      direction,
      path,
      groupProperty: null,
      ...portsOf(rule, "protocol"),
      peers: peersOf(rule, `${path}.`, INLINE),
    };
  });
}

const split = (props: Props, direction: "ingress" | "egress"): Opening => ({
  direction,
  path: "",
  groupProperty: "securityGroupId",
  ...portsOf(props, "ipProtocol"),
  peers: peersOf(props, "", SPLIT),
});

const legacy = (props: Props): Opening => ({
  direction: props["type"] === "egress" ? "egress" : "ingress",
  path: "",
  groupProperty: "securityGroupId",
  ...portsOf(props, "protocol"),
  peers: peersOf(props, "", LEGACY),
});

const portsOf = (rule: unknown, protocol: string) => ({
  protocol: at(rule, protocol),
  fromPort: at(rule, "fromPort"),
  toPort: at(rule, "toPort"),
});

type PeerProperties = Readonly<Record<string, Peer["kind"]>>;
const SPLIT: PeerProperties = {
  cidrIpv4: "network",
  cidrIpv6: "network",
  prefixListId: "prefix list",
  referencedSecurityGroupId: "group",
};
const NETWORKS: PeerProperties = { cidrBlocks: "network", ipv6CidrBlocks: "network", prefixListIds: "prefix list" };
const INLINE: PeerProperties = { ...NETWORKS, securityGroups: "group", self: "itself" };
const LEGACY: PeerProperties = { ...NETWORKS, sourceSecurityGroupId: "group", self: "itself" };

function peersOf(rule: unknown, prefix: string, properties: PeerProperties): Peer[] {
  return Object.entries(properties).flatMap(([property, kind]) => {
    const value = at(rule, property);
    if (!isSet(value)) return [];
    const values = Array.isArray(value) ? value : [value];
    return values.map((one: unknown, index) => ({
      kind,
      path: `${prefix}${property}${Array.isArray(value) ? `[${index}]` : ""}`,
      value: one,
    }));
  });
}

/** Whether a rule is about a port of TCP between two, both included; what is unknown counts as if it were. */
export function covers({ protocol, fromPort, toPort }: Opening, lowest: number, highest: number): boolean {
  if (protocol === UNKNOWN) return true;
  const name = String(protocol).toLowerCase();
  if (name === "-1" || name === "all") return true;
  if (name !== "tcp" && name !== "6") return false;
  const from = portOf(fromPort, 0);
  const to = portOf(toPort, 65_535);
  return from <= highest && to >= lowest;
}

const portOf = (port: unknown, otherwise: number) =>
  typeof port === "number" || typeof port === "string" ? Number(port) : otherwise;

/** The groups whose rule it is; none if the group is not the stack's. */
export function ownersOf(resource: Resource, { groupProperty }: Opening): readonly Resource[] {
  if (groupProperty === null) return [resource];
  return groupsIn(resource, groupProperty, resource.props[groupProperty]);
}

/** The stack's groups that a value refers to. */
export function groupsIn(resource: Resource, property: string, value: unknown): readonly Resource[] {
  return resource.refersTo(property, value).filter(({ type }) => type === SECURITY_GROUP);
}
