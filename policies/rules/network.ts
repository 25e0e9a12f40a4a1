/** Addresses, ways in and ways out that are not a matter of security groups. */
import {
  at,
  aws,
  elements,
  type Finding,
  is,
  isProps,
  isSet,
  type Resource,
  type Rule,
  roleOf,
  UNKNOWN,
} from "../model.ts";
import { RPC_PORTS } from "./security-groups.ts";

const INSTANCE = aws("ec2", "Instance");
const LAUNCH_TEMPLATE = aws("ec2", "LaunchTemplate");
const NETWORK_INTERFACE = aws("ec2", "NetworkInterface");
const SUBNET = aws("ec2", "Subnet");

/** Properties that must not be set, by type. */
const PUBLIC: Readonly<Record<string, readonly string[]>> = {
  [INSTANCE]: ["associatePublicIpAddress", "ipv6AddressCount", "ipv6Addresses", "enablePrimaryIpv6"],
  [NETWORK_INTERFACE]: ["ipv6AddressCount", "ipv6Addresses", "ipv6AddressLists", "ipv6PrefixCount", "ipv6Prefixes"],
  [SUBNET]: ["mapPublicIpOnLaunch", "assignIpv6AddressOnCreation", "ipv6CidrBlock", "ipv6Native"],
  [aws("ec2", "DefaultSubnet")]: ["mapPublicIpOnLaunch"],
  [aws("ec2", "Vpc")]: ["assignGeneratedIpv6CidrBlock", "ipv6CidrBlock"],
};

/** Types that exist to make something public. */
const PUBLIC_TYPES = new Set([
  aws("ec2", "Eip"),
  aws("ec2", "EipAssociation"),
  aws("ec2", "NatGateway"),
  aws("ec2", "EgressOnlyInternetGateway"),
]);

const written = (value: unknown) => isSet(value) && String(value) !== "false" && value !== UNKNOWN;

const noPublicAddress: Rule = {
  name: "no-public-address",
  must: "no machine of a cluster may have a public IPv4 or any IPv6 address",
  why: "With a public address, one security group rule is all that protects RPC from the Internet.",
  remedy:
    "Give the machine a network interface of its own or `associatePublicIpAddress: false`, and no Elastic IP, NAT or IPv6.",
  check: (resource) => {
    const { type, props } = resource;
    if (PUBLIC_TYPES.has(type)) return [{ path: "", value: undefined }];
    const set = (PUBLIC[type] ?? [])
      .filter((property) => written(props[property]))
      .map((property) => ({ path: property, value: props[property] }));
    if (type === INSTANCE) return [...set, ...unlessItHasAnInterface(resource)];
    return type === LAUNCH_TEMPLATE ? inTemplate(resource) : set;
  },
};

/** A subnet that somebody else made may give every machine an address that does not refuse one. */
function unlessItHasAnInterface({ props }: Resource): Finding[] {
  const own = isSet(props["primaryNetworkInterface"]) || isSet(props["networkInterfaces"]);
  if (own || isSet(props["launchTemplate"]) || props["associatePublicIpAddress"] !== undefined) return [];
  return [{ path: "associatePublicIpAddress", value: undefined }];
}

function inTemplate({ props }: Resource): Finding[] {
  const interfaces = elements(props["networkInterfaces"]);
  if (interfaces.length === 0) return [{ path: "networkInterfaces", value: undefined }];
  return interfaces.flatMap((one, index) => {
    const own = isProps(one) ? one : {};
    const path = (property: string) => `networkInterfaces[${index}].${property}`;
    const address = own["associatePublicIpAddress"];
    const ipv6 = ["ipv6AddressCount", "ipv6Addresses"].filter((property) => written(own[property]));
    return [
      ...(is(address, false) ? [] : [{ path: path("associatePublicIpAddress"), value: address }]),
      ...ipv6.map((property) => ({ path: path(property), value: own[property] })),
    ];
  });
}

const ROUTE = aws("ec2", "Route");
const TABLES = [aws("ec2", "RouteTable"), aws("ec2", "DefaultRouteTable")];
const DEFAULT_TABLE = aws("ec2", "DefaultRouteTable");
const ASSOCIATION = aws("ec2", "RouteTableAssociation");
const MAIN_ASSOCIATION = aws("ec2", "MainRouteTableAssociation");

/** Where a route can lead to, other than to an endpoint inside the VPC. */
const WAYS_OUT = [
  "gatewayId",
  "natGatewayId",
  "egressOnlyGatewayId",
  "transitGatewayId",
  "vpcPeeringConnectionId",
  "carrierGatewayId",
  "localGatewayId",
  "coreNetworkArn",
  "networkInterfaceId",
] as const;

const leavesTo = (route: unknown): Finding[] => {
  const own = isProps(route) ? route : {};
  return WAYS_OUT.filter((way) => isSet(own[way]) && own[way] !== "local").map((path) => ({ path, value: own[path] }));
};

const isolatedSubnets: Rule = {
  name: "machines-have-no-route-out",
  must: "the route table of a subnet with machines must not lead out of the VPC",
  why: "Without a route no traffic leaves, even if a security group allows it.",
  remedy:
    "Associate the subnet with a table without routes, and keep gateways to the tables of the load balancer's subnets.",
  checkStack: (resources) => {
    const reachable = tablesOfMachines(resources);
    return resources.flatMap((resource) => {
      if (resource.type === ROUTE) {
        const tables = resource.refersTo("routeTableId", resource.props["routeTableId"]).filter(isTable);
        return tables.length === 0 || tables.some((table) => reachable.has(table))
          ? leavesTo(resource.props).map((finding) => ({ ...finding, resource }))
          : [];
      }
      if (!isTable(resource) || !reachable.has(resource)) return [];
      return elements(resource.props["routes"]).flatMap((route, index) =>
        leavesTo(route).map(({ path, value }) => ({ path: `routes[${index}].${path}`, value, resource })),
      );
    });
  },
};

const isTable = ({ type }: Resource) => TABLES.includes(type);

/** Tables that a machine's packets go by: those of its subnet, and every main one, which a subnet without its own takes. */
function tablesOfMachines(resources: readonly Resource[]): Set<Resource> {
  const subnets = new Set(
    resources
      .filter(({ type }) => type === NETWORK_INTERFACE || type === INSTANCE)
      .flatMap((machine) => machine.refersTo("subnetId", machine.props["subnetId"]))
      .filter(({ type }) => type === SUBNET),
  );
  const associated = resources.filter(
    (one) =>
      one.type === MAIN_ASSOCIATION ||
      (one.type === ASSOCIATION && one.refersTo("subnetId", one.props["subnetId"]).some((to) => subnets.has(to))),
  );
  const tables = associated.flatMap((one) => one.refersTo("routeTableId", one.props["routeTableId"]).filter(isTable));
  return new Set([...tables, ...resources.filter(({ type }) => type === DEFAULT_TABLE)]);
}

const BALANCER_MODULES = ["lb", "alb", "applicationloadbalancing", "elasticloadbalancingv2"];
const ofBalancer = (kind: string) => BALANCER_MODULES.map((module) => aws(module, kind));
const WITH_PORT = new Set(["TargetGroup", "TargetGroupAttachment", "Listener"].flatMap(ofBalancer));
const ATTACHMENTS = new Set(ofBalancer("TargetGroupAttachment"));
const CLASSIC = new Set(["elb", "elasticloadbalancing"].map((module) => aws(module, "LoadBalancer")));

const isRpc = (port: unknown) =>
  port !== UNKNOWN && Number(port) >= RPC_PORTS.lowest && Number(port) <= RPC_PORTS.highest;

const rpcBehindNoBalancer: Rule = {
  name: "rpc-behind-no-load-balancer",
  must: "no load balancer may listen on an RPC port or lead to a backend",
  why: "A load balancer forwards everything that reaches it, and RPC trusts every client.",
  remedy: "Point the load balancer at the front's port, and at the front alone.",
  check: ({ type, props }) => {
    if (CLASSIC.has(type))
      return elements(props["listeners"]).flatMap((listener, index) =>
        ["instancePort", "lbPort"]
          .map((key) => ({ path: `listeners[${index}].${key}`, value: at(listener, key) }))
          .filter(({ value }) => isRpc(value)),
      );
    return WITH_PORT.has(type) && isRpc(props["port"]) ? [{ path: "port", value: props["port"] }] : [];
  },
  checkStack: (resources) => {
    const backends = resources.filter((resource) => roleOf(resource) === "backend");
    const addresses = new Set(backends.flatMap(({ props }) => [props["privateIp"], ...elements(props["privateIps"])]));
    return resources
      .filter(({ type }) => ATTACHMENTS.has(type))
      .filter((one) => {
        const { targetId } = one.props;
        const isAddress = typeof targetId === "string" && addresses.has(targetId);
        return isAddress || one.refersTo("targetId", targetId).some((target) => backends.includes(target));
      })
      .map((resource) => ({ resource, path: "targetId", value: resource.props["targetId"] }));
  },
};

const LISTENERS = new Set(ofBalancer("Listener"));

const listenersUseTls: Rule = {
  name: "listener-speaks-tls-1.3",
  must: "a listener must speak HTTPS or TLS with a policy that has TLS 1.3; plain HTTP may only send on to HTTPS, and TCP only be inside a VPC",
  why: "Prompts, answers and the API key pass through it.",
  remedy: 'Write `protocol: "HTTPS"` and `sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06"`.',
  check: ({ type, props }) => {
    if (!LISTENERS.has(type)) return [];
    const { protocol, sslPolicy, defaultActions } = props;
    if (protocol === "HTTPS" || protocol === "TLS") {
      const isNew = sslPolicy === UNKNOWN || /^ELBSecurityPolicy-TLS13-/.test(String(sslPolicy));
      return isNew ? [] : [{ path: "sslPolicy", value: sslPolicy }];
    }
    if (protocol !== "HTTP") return [];
    const actions = elements(defaultActions);
    const redirects = actions.length > 0 && actions.every(redirectsToHttps);
    return redirects ? [] : [{ path: "protocol", value: protocol }];
  },
  checkStack: (resources) =>
    resources
      .filter(({ type, props }) => LISTENERS.has(type) && /^(TCP|UDP|TCP_UDP)$/.test(String(props["protocol"])))
      .filter((listener) => {
        const balancers = listener.refersTo("loadBalancerArn", listener.props["loadBalancerArn"]);
        return !balancers.some(({ props }) => props["internal"] === true);
      })
      .map((resource) => ({ resource, path: "protocol", value: resource.props["protocol"] })),
};

const redirectsToHttps = (action: unknown) =>
  at(action, "type") === "redirect" && at(action, "redirect.protocol") === "HTTPS";

/** The rules of this file. */
export const networkRules: readonly Rule[] = [noPublicAddress, isolatedSubnets, rpcBehindNoBalancer, listenersUseTls];
