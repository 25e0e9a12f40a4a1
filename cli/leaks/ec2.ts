/** Leftovers of a stack in EC2. It asks EC2 itself, because the tagging API still lists what was terminated an hour ago. */

import type { EC2Client, Filter, SpotInstanceRequest, Tag, Volume } from "@aws-sdk/client-ec2";
import { collected } from "../../aws/connection.ts";
import { findMachineType, REGIONS } from "../../plan/catalog/index.ts";
import { HOURS_PER_MONTH, priceOf, SERVICE_PRICES } from "../../plan/cost/prices.ts";
import type { Leak } from "./leak.ts";
import { STACK_TAG } from "./names.ts";

/** Asks EC2 for every existing resource with the stack's tag. */
export async function ec2Leaks(client: EC2Client, stack: string, region: string): Promise<Leak[]> {
  const { paginateDescribeTags } = await import("@aws-sdk/client-ec2");
  const filter = [
    { Name: "key", Values: [STACK_TAG] },
    { Name: "value", Values: [stack] },
  ];
  const tagged = await collected(paginateDescribeTags({ client }, { Filters: filter }), ({ Tags }) => Tags);
  const asking: Asking = { client, region, ours: { Filters: [{ Name: `tag:${STACK_TAG}`, Values: [stack] }] } };
  const found = await Promise.all([
    ...Object.values(LOOKS).map((look) => look(asking)),
    untaggedSpotRequests(asking, stack),
  ]);
  const others = tagged.flatMap(({ ResourceType: type = "", ResourceId: id = "" }) =>
    LOOKS[type] === undefined ? other(type, id, region) : [],
  );
  return [...found.flat(), ...others];
}

interface Asking {
  client: EC2Client;
  region: string;
  /** Filter for the stack's tag. */
  ours: { Filters: Filter[] };
}

/** Asks for the resources of one type: which of them exist, and their cost. */
type Look = (asking: Asking) => Promise<Leak[]>;

const instances: Look = async ({ client, region, ours }) => {
  const { paginateDescribeInstances } = await import("@aws-sdk/client-ec2");
  const reservations = await collected(paginateDescribeInstances({ client }, ours), ({ Reservations }) => Reservations);
  return reservations
    .flatMap(({ Instances }) => Instances ?? [])
    .flatMap(({ InstanceId: id = "", InstanceType = "", InstanceLifecycle, State, Tags }): Leak[] => {
      const state = State?.Name ?? "";
      if (state === "terminated") return [];
      const sold = REGIONS.find((known) => known === region);
      const type = findMachineType(InstanceType);
      const market = InstanceLifecycle === "spot" ? "spot" : "on-demand";
      const price = sold === undefined || type === undefined ? null : priceOf(type, sold, market);
      return [
        {
          kind: "instance",
          id,
          detail: [InstanceType, state, nameIn(Tags)].filter((part) => part !== "").join(", "),
          // If it is stopped, only its volumes cost.
          usdPerHour: state === "stopped" ? null : (price?.high ?? null),
          remedy: `aws ec2 terminate-instances --region ${region} --instance-ids ${id}`,
        },
      ];
    });
};

const volumes: Look = async ({ client, region, ours }) => {
  const { paginateDescribeVolumes } = await import("@aws-sdk/client-ec2");
  const found = await collected(paginateDescribeVolumes({ client }, ours), ({ Volumes }) => Volumes);
  return found.map((volume) => ({
    kind: "volume",
    id: volume.VolumeId ?? "",
    detail: `${volume.Size ?? 0} GiB ${volume.VolumeType ?? ""}, ${volume.State ?? ""}`,
    usdPerHour: volumePrice(volume),
    remedy: `aws ec2 delete-volume --region ${region} --volume-id ${volume.VolumeId ?? ""}`,
  }));
};

/** Price of a gp3 volume, which is the only type that clusters have. */
function volumePrice({ Size = 0, Iops = 0, Throughput = 0 }: Volume): number {
  const perMonth =
    Size * SERVICE_PRICES.gp3GibibyteMonth +
    Math.max(0, Iops - 3000) * SERVICE_PRICES.gp3OperationMonth +
    Math.max(0, Throughput - 125) * SERVICE_PRICES.gp3MebibytePerSecondMonth;
  return perMonth / HOURS_PER_MONTH;
}

const networkInterfaces: Look = async ({ client, region, ours }) => {
  const { paginateDescribeNetworkInterfaces } = await import("@aws-sdk/client-ec2");
  const found = await collected(
    paginateDescribeNetworkInterfaces({ client }, ours),
    ({ NetworkInterfaces }) => NetworkInterfaces,
  );
  return found.map(({ NetworkInterfaceId: id = "", Attachment }) => ({
    kind: "network interface",
    id,
    detail: Attachment?.InstanceId === undefined ? "" : `attached to ${Attachment.InstanceId}`,
    usdPerHour: null,
    remedy: `aws ec2 delete-network-interface --region ${region} --network-interface-id ${id}`,
  }));
};

const endpoints: Look = async ({ client, region, ours }) => {
  const { paginateDescribeVpcEndpoints } = await import("@aws-sdk/client-ec2");
  const found = await collected(paginateDescribeVpcEndpoints({ client }, ours), ({ VpcEndpoints }) => VpcEndpoints);
  return found.flatMap(({ VpcEndpointId: id = "", ServiceName, State, VpcEndpointType, SubnetIds = [] }): Leak[] => {
    // EC2 uses both spellings.
    if (/^delet/i.test(State ?? "")) return [];
    const zones = VpcEndpointType === "Interface" ? Math.max(1, SubnetIds.length) : 0;
    return [
      {
        kind: "endpoint",
        id,
        detail: `${ServiceName?.split(".").slice(3).join(".") ?? ""}, ${State ?? ""}`,
        usdPerHour: zones === 0 ? null : zones * SERVICE_PRICES.interfaceEndpointHour,
        remedy: `aws ec2 delete-vpc-endpoints --region ${region} --vpc-endpoint-ids ${id}`,
      },
    ];
  });
};

const spotRequests: Look = async (asking) => {
  const found = await spotRequestsThat(asking, asking.ours);
  return found.map((request) => spotRequest(request, asking.region));
};

/**
 * A persistent request starts its machine again and again. It does not have the tags of its machine, so the machine's instance
 * profile identifies the stack.
 */
async function untaggedSpotRequests(asking: Asking, stack: string): Promise<Leak[]> {
  const found = await spotRequestsThat(asking, {});
  const path = `:instance-profile/llama-rpc-cluster/${stack}/`;
  return found
    .filter(({ LaunchSpecification }) => LaunchSpecification?.IamInstanceProfile?.Arn?.includes(path) === true)
    .map((request) => spotRequest(request, asking.region));
}

async function spotRequestsThat({ client }: Asking, filter: { Filters?: Filter[] }): Promise<SpotInstanceRequest[]> {
  const { paginateDescribeSpotInstanceRequests } = await import("@aws-sdk/client-ec2");
  const found = await collected(
    paginateDescribeSpotInstanceRequests({ client }, filter),
    ({ SpotInstanceRequests }) => SpotInstanceRequests,
  );
  return found.filter(({ State }) => State === "open" || State === "active" || State === "disabled");
}

function spotRequest(
  { SpotInstanceRequestId: id = "", Type, State, InstanceId }: SpotInstanceRequest,
  region: string,
): Leak {
  const runs = InstanceId === undefined ? "" : `, runs ${InstanceId}`;
  return {
    kind: "spot request",
    id,
    detail: `${Type ?? ""}, ${State ?? ""}${runs}`,
    usdPerHour: null,
    remedy: `aws ec2 cancel-spot-instance-requests --region ${region} --spot-instance-request-ids ${id}`,
  };
}

const addresses: Look = async ({ client, region, ours }) => {
  const { DescribeAddressesCommand } = await import("@aws-sdk/client-ec2");
  const { Addresses = [] } = await client.send(new DescribeAddressesCommand(ours));
  return Addresses.map(({ AllocationId: id = "", PublicIp = "" }) => ({
    kind: "address",
    id,
    detail: PublicIp,
    usdPerHour: SERVICE_PRICES.publicAddressHour,
    remedy: `aws ec2 release-address --region ${region} --allocation-id ${id}`,
  }));
};

const securityGroups: Look = async ({ client, region, ours }) => {
  const { paginateDescribeSecurityGroups } = await import("@aws-sdk/client-ec2");
  const found = await collected(
    paginateDescribeSecurityGroups({ client }, ours),
    ({ SecurityGroups }) => SecurityGroups,
  );
  return found.map(({ GroupId = "", GroupName = "" }) => other("security-group", GroupId, region, GroupName));
};

const subnets: Look = async ({ client, region, ours }) => {
  const { paginateDescribeSubnets } = await import("@aws-sdk/client-ec2");
  const found = await collected(paginateDescribeSubnets({ client }, ours), ({ Subnets }) => Subnets);
  return found.map(({ SubnetId = "", CidrBlock = "" }) => other("subnet", SubnetId, region, CidrBlock));
};

const vpcs: Look = async ({ client, region, ours }) => {
  const { paginateDescribeVpcs } = await import("@aws-sdk/client-ec2");
  const found = await collected(paginateDescribeVpcs({ client }, ours), ({ Vpcs }) => Vpcs);
  return found.map(({ VpcId = "", CidrBlock = "" }) => other("vpc", VpcId, region, CidrBlock));
};

const placementGroups: Look = async ({ client, region, ours }) => {
  const { DescribePlacementGroupsCommand } = await import("@aws-sdk/client-ec2");
  const { PlacementGroups = [] } = await client.send(new DescribePlacementGroupsCommand(ours));
  return PlacementGroups.flatMap(({ GroupName = "", State }) =>
    State === "deleted" ? [] : other("placement-group", GroupName, region),
  );
};

/** By EC2's name of the type. */
const LOOKS: Readonly<Record<string, Look>> = {
  instance: instances,
  volume: volumes,
  "network-interface": networkInterfaces,
  "vpc-endpoint": endpoints,
  "spot-instances-request": spotRequests,
  "elastic-ip": addresses,
  "security-group": securityGroups,
  subnet: subnets,
  vpc: vpcs,
  "placement-group": placementGroups,
};

/** Names of the other kinds, with the AWS CLI's command that deletes them. */
const OTHERS: Readonly<Record<string, { kind: string; command: string }>> = {
  "security-group": { kind: "security group", command: "delete-security-group --group-id" },
  "placement-group": { kind: "placement group", command: "delete-placement-group --group-name" },
  subnet: { kind: "subnet", command: "delete-subnet --subnet-id" },
  vpc: { kind: "VPC", command: "delete-vpc --vpc-id" },
  "route-table": { kind: "route table", command: "delete-route-table --route-table-id" },
  "network-acl": { kind: "network ACL", command: "delete-network-acl --network-acl-id" },
  "internet-gateway": { kind: "internet gateway", command: "delete-internet-gateway --internet-gateway-id" },
  "vpc-flow-log": { kind: "flow log", command: "delete-flow-logs --flow-log-ids" },
  "vpc-endpoint-service": {
    kind: "endpoint service",
    command: "delete-vpc-endpoint-service-configurations --service-ids",
  },
  "launch-template": { kind: "launch template", command: "delete-launch-template --launch-template-id" },
  snapshot: { kind: "snapshot", command: "delete-snapshot --snapshot-id" },
};

function other(type: string, id: string, region: string, detail = ""): Leak {
  if (type === "security-group-rule") {
    return {
      kind: "security group rule",
      id,
      detail,
      usdPerHour: null,
      remedy: "It is removed with its security group.",
    };
  }
  const known = OTHERS[type];
  return {
    kind: known?.kind ?? type,
    id,
    detail,
    usdPerHour: null,
    remedy:
      known === undefined
        ? `Delete it in the console of EC2 or VPC in ${region}.`
        : `aws ec2 ${known.command.replace(" ", ` --region ${region} `)} ${id}`,
  };
}

function nameIn(tags: readonly Tag[] | undefined): string {
  return tags?.find(({ Key }) => Key === "Name")?.Value ?? "";
}
