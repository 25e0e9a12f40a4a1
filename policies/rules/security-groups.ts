/** Who may reach what: the only guard that an RPC port has. */
import {
  aws,
  elements,
  type Finding,
  isSet,
  type Resource,
  type Rule,
  roleOf,
  type StackFinding,
  UNKNOWN,
} from "../model.ts";
import { covers, DEFAULT_SECURITY_GROUP, groupsIn, type Opening, openingsOf, ownersOf, type Peer } from "./openings.ts";

/** Ports of the RPC servers, one per GPU of a machine; llama.cpp serves at most 16 devices. */
export const RPC_PORTS = { lowest: 50_052, highest: 50_067 } as const;

const coversRpc = (opening: Opening) => covers(opening, RPC_PORTS.lowest, RPC_PORTS.highest);
const foundAt = ({ path, value }: Peer): Finding => ({ path, value });

/** What every rule of a stack gives, with the resource that holds it. */
function inAllOpenings(
  resources: readonly Resource[],
  look: (opening: Opening, resource: Resource) => Finding[],
): StackFinding[] {
  return resources.flatMap((resource) =>
    openingsOf(resource).flatMap((opening) => look(opening, resource).map((finding) => ({ ...finding, resource }))),
  );
}

const propertyOf = ({ groupProperty, direction }: Opening, peer: Peer) =>
  groupProperty === null ? direction : (/^\w+/.exec(peer.path)?.[0] ?? "");

/** Whether all groups that a peer can be are the stack's and have a role. */
function isRole(resource: Resource, opening: Opening, peer: Peer, role: string): boolean {
  if (peer.kind !== "group") return false;
  const groups = groupsIn(resource, propertyOf(opening, peer), peer.value);
  return groups.length > 0 && groups.every((group) => roleOf(group) === role);
}

const rpcFromTheFrontAlone: Rule = {
  name: "rpc-from-the-front-alone",
  must: `the RPC ports ${RPC_PORTS.lowest} to ${RPC_PORTS.highest} must be open to the front's security group alone, by reference`,
  why: "llama.cpp's RPC server has no password and no encryption: anyone who reaches its port runs code on the machine.",
  remedy:
    'Give the rule `referencedSecurityGroupId` of the group whose role is "front" and nothing else, or ports without these.',
  check: (resource) =>
    openingsOf(resource)
      .filter((opening) => opening.direction === "ingress" && coversRpc(opening))
      .flatMap(({ peers }) => peers.filter(({ kind }) => kind !== "group").map(foundAt)),
  checkStack: (resources) =>
    inAllOpenings(resources, (opening, resource) =>
      opening.direction === "ingress" && coversRpc(opening)
        ? opening.peers
            .filter((peer) => peer.kind === "group" && !isRole(resource, opening, peer, "front"))
            .map(foundAt)
        : [],
    ),
};

/** Whether a rule belongs to the backends' group, or to one that nobody in the stack knows. */
const isOfBackends = (opening: Opening, resource: Resource) =>
  ownersOf(resource, opening).some((group) => roleOf(group) === "backend");

const backendAcceptsNothingElse: Rule = {
  name: "backend-accepts-rpc-alone",
  must: "a backend's security group must allow nothing in but the front's RPC connections",
  why: "A backend has one job; every other open port is another way in.",
  remedy: `Remove the rule, or narrow it to TCP ${RPC_PORTS.lowest} to ${RPC_PORTS.highest} from the front's group.`,
  checkStack: (resources) =>
    inAllOpenings(resources, (opening, resource) => {
      if (opening.direction !== "ingress" || !isOfBackends(opening, resource)) return [];
      const path = (property: string) => (opening.path === "" ? property : `${opening.path}.${property}`);
      if (coversOnlyRpc(opening)) return [];
      return [{ path: path("fromPort"), value: opening.fromPort ?? opening.protocol }];
    }),
};

function coversOnlyRpc(opening: Opening): boolean {
  if (!coversRpc(opening)) return false;
  const around = covers(opening, 0, RPC_PORTS.lowest - 1) || covers(opening, RPC_PORTS.highest + 1, 65_535);
  return !around || opening.fromPort === UNKNOWN || opening.toPort === UNKNOWN;
}

const backendHasNoWayOut: Rule = {
  name: "backend-has-no-way-out",
  must: "a backend's security group must allow nothing out but HTTPS to AWS's endpoints: a group, a prefix list, or a VPC's addresses",
  why: "Code that got in through RPC must reach nothing.",
  remedy: "Narrow the rule to TCP 443 with `referencedSecurityGroupId` or `prefixListId`.",
  checkStack: (resources) =>
    inAllOpenings(resources, (opening, resource) => {
      if (opening.direction !== "egress" || !isOfBackends(opening, resource)) return [];
      const elsewhere = opening.peers.filter((peer) => !isNear(peer)).map(foundAt);
      const isHttps = covers(opening, 443, 443) && !covers(opening, 0, 442) && !covers(opening, 444, 65_535);
      const isUnknown = opening.fromPort === UNKNOWN || opening.toPort === UNKNOWN;
      const prefix = opening.path === "" ? "" : `${opening.path}.`;
      const ports =
        isHttps || isUnknown ? [] : [{ path: `${prefix}toPort`, value: opening.toPort ?? opening.protocol }];
      return [...elsewhere, ...ports];
    }),
};

/** No VPC is larger. */
const VPC_PREFIX_BITS = 16;

function isNear({ kind, value }: Peer): boolean {
  if (kind === "group" || kind === "prefix list" || value === UNKNOWN) return true;
  const bits = /^[\d.]+\/(\d+)$/.exec(String(value))?.[1];
  return kind === "network" && bits !== undefined && Number(bits) >= VPC_PREFIX_BITS;
}

const WORLD = new Set<unknown>(["0.0.0.0/0", "::/0"]);

const noGroupOpensTheWorld: Rule = {
  name: "nobody-calls-out-to-the-world",
  must: "no security group may allow connections to every address",
  why: "Images, models and keys come through VPC endpoints; nothing in a cluster calls the Internet.",
  remedy: "Name the endpoint's security group, a prefix list, or the networks that are meant.",
  check: (resource) =>
    openingsOf(resource)
      .filter(({ direction }) => direction === "egress")
      .flatMap(({ peers }) => peers.filter(({ value }) => WORLD.has(value)).map(foundAt)),
};

const NETWORK_INTERFACE = aws("ec2", "NetworkInterface");
const INSTANCE = aws("ec2", "Instance");
const GROUP_ATTACHMENT = aws("ec2", "NetworkInterfaceSecurityGroupAttachment");

const backendHasItsOwnGroups: Rule = {
  name: "backend-has-its-own-group",
  must: "a backend's network interface must be in groups of this stack whose role is backend, and in no other",
  why: "Someone else's group can open the RPC port at any time, and without a group AWS uses the VPC's default one.",
  remedy: "List the backends' group alone in `securityGroups`.",
  checkStack: (resources) =>
    resources.flatMap((resource) => {
      const property = groupsPropertyOf(resource);
      if (property === null || (resource.type !== GROUP_ATTACHMENT && roleOf(resource) !== "backend")) return [];
      const value = resource.props[property];
      if (!isSet(value)) return [{ resource, path: property, value: undefined }];
      const values = Array.isArray(value) ? elements(value) : [value];
      return values
        .map((one, index) => ({ one, path: Array.isArray(value) ? `${property}[${index}]` : property }))
        .filter(({ one }) => {
          const groups = groupsIn(resource, property, one);
          return groups.length === 0 || !groups.every((group) => roleOf(group) === "backend");
        })
        .map(({ one, path }) => ({ resource, path, value: one }));
    }),
};

/** Where a machine's groups are written; null if not in this resource. */
function groupsPropertyOf({ type, props }: Resource): string | null {
  if (type === NETWORK_INTERFACE) return "securityGroups";
  if (type === GROUP_ATTACHMENT) return "securityGroupId";
  if (type !== INSTANCE) return null;
  return isSet(props["primaryNetworkInterface"]) || isSet(props["networkInterfaces"]) ? null : "vpcSecurityGroupIds";
}

const VPC = aws("ec2", "Vpc");

const defaultGroupIsEmpty: Rule = {
  name: "default-group-is-empty",
  must: "the default security group of the cluster's VPC must be in the stack and have no rule",
  why: "AWS creates it with every VPC, and its members can reach each other on all ports.",
  remedy: "Add `new aws.ec2.DefaultSecurityGroup` with the VPC's id and without rules.",
  check: (resource) =>
    resource.type === DEFAULT_SECURITY_GROUP ? openingsOf(resource).map(({ path }) => ({ path, value: UNKNOWN })) : [],
  checkStack: (resources) => {
    const emptied = resources.filter(({ type }) => type === DEFAULT_SECURITY_GROUP);
    return resources
      .filter(({ type }) => type === VPC)
      .filter((vpc) => !emptied.some((group) => group.refersTo("vpcId", group.props["vpcId"]).includes(vpc)))
      .map((vpc) => ({ resource: vpc, path: "", value: undefined }));
  },
};

const SSH = 22;

const noSsh: Rule = {
  name: "no-port-22",
  must: "no security group may open port 22",
  why: "People reach machines through Session Manager, which identifies them and logs the session.",
  remedy: "Remove the rule, or narrow its ports and protocol to what is needed.",
  check: (resource) =>
    openingsOf(resource)
      .filter((opening) => covers(opening, SSH, SSH))
      .map(({ path, fromPort, protocol }) => ({
        path: path === "" ? "fromPort" : `${path}.fromPort`,
        value: fromPort ?? protocol,
      })),
};

/** The rules of this file. */
export const securityGroupRules: readonly Rule[] = [
  rpcFromTheFrontAlone,
  backendAcceptsNothingElse,
  backendHasNoWayOut,
  noGroupOpensTheWorld,
  backendHasItsOwnGroups,
  defaultGroupIsEmpty,
  noSsh,
];
