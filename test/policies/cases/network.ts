import { aws, type Case, casesOf, type Inputs, ref, tags } from "./case.ts";

const machine = (inputs: Inputs) => aws("ec2/instance:Instance", "machine", { tags: tags("backend"), ...inputs });
const address = (inputs: Inputs) =>
  aws("ec2/networkInterface:NetworkInterface", "address", { tags: tags("backend"), ...inputs });
const template = (inputs: Inputs) => aws("ec2/launchTemplate:LaunchTemplate", "template", inputs);
const subnet = (inputs: Inputs) => aws("ec2/subnet:Subnet", "subnet", inputs);

const publicAddress = casesOf("no-public-address", [
  [
    "a machine has an interface of its own",
    [machine({ primaryNetworkInterface: { networkInterfaceId: ref("NetworkInterface", "address") } })],
  ],
  ["a machine refuses a public address", [machine({ associatePublicIpAddress: false })]],
  ["a subnet gives none", [subnet({ mapPublicIpOnLaunch: false })]],
  ["a template refuses one", [template({ networkInterfaces: [{ associatePublicIpAddress: "false" }] })]],
  ["a machine asks for one", [machine({ associatePublicIpAddress: true })], ["machine associatePublicIpAddress"]],
  ["a machine leaves it to its subnet", [machine({})], ["machine associatePublicIpAddress"]],
  [
    "a machine asks for an IPv6 address",
    [machine({ associatePublicIpAddress: false, ipv6AddressCount: 1 })],
    ["machine ipv6AddressCount"],
  ],
  ["an interface has an IPv6 address", [address({ ipv6Addresses: ["2001:db8::1"] })], ["address ipv6Addresses"]],
  [
    "a template asks for one",
    [template({ networkInterfaces: [{ associatePublicIpAddress: "true" }] })],
    ["template networkInterfaces[0].associatePublicIpAddress"],
  ],
  ["a template leaves it to the subnet", [template({})], ["template networkInterfaces"]],
  ["a subnet gives every machine one", [subnet({ mapPublicIpOnLaunch: true })], ["subnet mapPublicIpOnLaunch"]],
  ["a subnet has IPv6", [subnet({ ipv6CidrBlock: "2001:db8::/64" })], ["subnet ipv6CidrBlock"]],
  [
    "a VPC asks for IPv6",
    [aws("ec2/vpc:Vpc", "vpc", { assignGeneratedIpv6CidrBlock: true })],
    ["vpc assignGeneratedIpv6CidrBlock"],
  ],
  ["an Elastic IP is made", [aws("ec2/eip:Eip", "eip", { instance: "i-1" })], ["eip "]],
  ["an Elastic IP is associated", [aws("ec2/eipAssociation:EipAssociation", "eip", { instanceId: "i-1" })], ["eip "]],
  ["a NAT gateway is made", [aws("ec2/natGateway:NatGateway", "nat", {})], ["nat "]],
]);

const machines = subnet({ tags: tags("network") });
const open = { ...subnet({ tags: tags("load-balancer") }), name: "open" };
const inMachines = address({ subnetId: ref("Subnet", "subnet") });
const table = (inputs: Inputs = {}) => aws("ec2/routeTable:RouteTable", "table", inputs);
const route = (inputs: Inputs) =>
  aws("ec2/route:Route", "route", { routeTableId: ref("RouteTable", "table"), ...inputs });
const association = (to: string) =>
  aws("ec2/routeTableAssociation:RouteTableAssociation", "association", {
    subnetId: ref("Subnet", to),
    routeTableId: ref("RouteTable", "table"),
  });
const isolated = [machines, open, inMachines, table(), association("subnet")];

const routes = casesOf("machines-have-no-route-out", [
  ["the machines' table has no route", isolated],
  [
    "the load balancer's table leads to the Internet",
    [machines, open, inMachines, table(), association("open"), route({ gatewayId: "igw-1" })],
  ],
  ["the machines' table leads to an endpoint", [...isolated, route({ vpcEndpointId: "vpce-1" })]],
  [
    "the machines' table leads to the Internet",
    [...isolated, route({ destinationCidrBlock: "0.0.0.0/0", gatewayId: "igw-1" })],
    ["route gatewayId"],
  ],
  [
    "the machines' table leads to a NAT gateway",
    [...isolated, route({ destinationCidrBlock: "0.0.0.0/0", natGatewayId: "nat-1" })],
    ["route natGatewayId"],
  ],
  [
    "the machines' table leads out by IPv6",
    [...isolated, route({ destinationIpv6CidrBlock: "::/0", egressOnlyGatewayId: "eigw-1" })],
    ["route egressOnlyGatewayId"],
  ],
  [
    "a route is written inside the table",
    [machines, inMachines, table({ routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: "igw-1" }] }), association("subnet")],
    ["table routes[0].gatewayId"],
  ],
  [
    "the VPC's main table leads out",
    [aws("ec2/defaultRouteTable:DefaultRouteTable", "main", { routes: [{ gatewayId: "igw-1" }] })],
    ["main routes[0].gatewayId"],
  ],
  [
    "a table of somebody else's is given a route",
    [aws("ec2/route:Route", "route", { routeTableId: "rtb-1", gatewayId: "igw-1" })],
    ["route gatewayId"],
  ],
]);

const target = (inputs: Inputs) => aws("lb/targetGroup:TargetGroup", "target", inputs);
const attachment = (inputs: Inputs) => aws("lb/targetGroupAttachment:TargetGroupAttachment", "attachment", inputs);

const balancers = casesOf("rpc-behind-no-load-balancer", [
  ["the front's port is a target", [target({ port: 8080 }), attachment({ targetId: "10.0.0.10", port: 8080 })]],
  ["an RPC port is a target", [target({ port: 50052 })], ["target port"]],
  [
    "a target group of the old name has an RPC port",
    [aws("alb/targetGroup:TargetGroup", "old", { port: 50053 })],
    ["old port"],
  ],
  ["a target has an RPC port", [attachment({ targetId: "10.0.0.10", port: 50067 })], ["attachment port"]],
  ["a listener has an RPC port", [aws("lb/listener:Listener", "listener", { port: 50052 })], ["listener port"]],
  [
    "a classic load balancer leads to an RPC port",
    [aws("elb/loadBalancer:LoadBalancer", "classic", { listeners: [{ instancePort: 50052, lbPort: 80 }] })],
    ["classic listeners[0].instancePort"],
  ],
  [
    "a backend is a target",
    [machine({}), attachment({ targetId: ref("Instance", "machine"), port: 8080 })],
    ["attachment targetId"],
  ],
  [
    "a backend's address is a target",
    [address({ privateIps: ["10.0.0.16"] }), attachment({ targetId: "10.0.0.16", port: 8080 })],
    ["attachment targetId"],
  ],
]);

const listener = (inputs: Inputs) =>
  aws("lb/listener:Listener", "listener", { loadBalancerArn: ref("LoadBalancer", "balancer", "arn"), ...inputs });
const balancer = (internal: boolean) => aws("lb/loadBalancer:LoadBalancer", "balancer", { internal });
const redirect = (protocol: string) => [
  { type: "redirect", redirect: { protocol, port: "443", statusCode: "HTTP_301" } },
];

const tls = casesOf("listener-speaks-tls-1.3", [
  ["it does", [listener({ protocol: "HTTPS", sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06" })]],
  ["HTTP sends on to HTTPS", [listener({ protocol: "HTTP", defaultActions: redirect("HTTPS") })]],
  ["TCP is inside a VPC", [balancer(true), listener({ protocol: "TCP" })]],
  ["the policy is AWS's old default", [listener({ protocol: "HTTPS" })], ["listener sslPolicy"]],
  [
    "the policy has no TLS 1.3",
    [listener({ protocol: "TLS", sslPolicy: "ELBSecurityPolicy-2016-08" })],
    ["listener sslPolicy"],
  ],
  [
    "HTTP answers",
    [listener({ protocol: "HTTP", defaultActions: [{ type: "forward", targetGroupArn: "arn" }] })],
    ["listener protocol"],
  ],
  ["HTTP sends on to HTTP", [listener({ protocol: "HTTP", defaultActions: redirect("HTTP") })], ["listener protocol"]],
  ["TCP is open to the Internet", [balancer(false), listener({ protocol: "TCP" })], ["listener protocol"]],
]);

export const networkCases: readonly Case[] = [...publicAddress, ...routes, ...balancers, ...tls];
