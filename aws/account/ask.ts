/**
 * Asks the AWS account what a plan needs to know: quotas, running instances, zones, spot prices, existing subnets. The
 * requests run in parallel and in a bounded time, with the credentials that the SDK finds. They change and cost nothing.
 */

import type { CapacityReservation, EC2Client, Instance } from "@aws-sdk/client-ec2";
import type { ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import {
  type AccountFacts,
  type ReservationFacts,
  typesOf,
  vcpusOf,
  type ZoneFacts,
} from "../../plan/account/facts.ts";
import { findMachineType } from "../../plan/catalog/index.ts";
import { quotaCodeOf } from "../../plan/catalog/quotas.ts";
import type { ClusterPlan } from "../../plan/index.ts";
import type { ExistingNetworkPlan } from "../../plan/resources/network.ts";
import { type AwsConnection, clientOptions, collected } from "../connection.ts";
import { awsSentence, isAboutCredentials, isAnswer, isFromAws, isNotFound } from "../errors.ts";

/** Permissions that all questions together need. */
export const PREFLIGHT_PERMISSIONS =
  "servicequotas:GetServiceQuota, servicequotas:GetAWSDefaultServiceQuota, ec2:DescribeInstances, ec2:DescribeAvailabilityZones, ec2:DescribeInstanceTypeOfferings and ec2:DescribeSpotPriceHistory, for a network that exists ec2:DescribeSubnets and ec2:DescribeNetworkInterfaces, and for a reservation ec2:DescribeCapacityReservations";

const STACK_TAG = "llama-rpc-cluster/stack";
/** Instances that exist, running or not. */
const PRESENT = ["pending", "running", "stopping", "stopped"];

/** Which plan to ask about, and how. */
export interface AccountQuestions {
  plan: ClusterPlan;
  /** Name of the stack: its own machines must not count against a quota twice. */
  stack: string;
  /** Longest wait for everything together. @default 10 */
  timeoutSeconds?: number | undefined;
  connection?: Omit<AwsConnection, "region"> | undefined;
}

/** The facts, with a sentence for each question that AWS refused; or the reason why there are no facts. */
export type AccountAnswer = { facts: AccountFacts; refusals: string[] } | { facts: null; reason: string };

/** Asks AWS. Missing credentials, network, permission or time are not thrown: they are the answer. */
export async function askAccount(questions: AccountQuestions): Promise<AccountAnswer> {
  const { plan, stack, timeoutSeconds = 10, connection = {} } = questions;
  const { region } = plan;
  if (region === null) return { facts: null, reason: "The cluster is not on AWS." };
  const deadline = new AbortController();
  const tooLate = new Promise<AccountAnswer>((resolve) => {
    const timer = setTimeout(() => {
      resolve({ facts: null, reason: `AWS did not answer within ${timeoutSeconds} s.` });
      deadline.abort();
    }, timeoutSeconds * 1000);
    deadline.signal.addEventListener("abort", () => clearTimeout(timer));
  });
  const asked = factsOf({ plan, stack, region, timeoutSeconds, connection, signal: deadline.signal });
  const answer = asked.catch((error: unknown): AccountAnswer => {
    if (error instanceof NoAnswer) return { facts: null, reason: error.message };
    throw error;
  });
  try {
    return await Promise.race([answer, tooLate]);
  } finally {
    // Open requests must not keep the program from ending.
    deadline.abort();
  }
}

/** No question can be answered; the message is the reason. */
class NoAnswer extends Error {}

interface Asking extends AccountQuestions {
  region: NonNullable<ClusterPlan["region"]>;
  timeoutSeconds: number;
  connection: Omit<AwsConnection, "region">;
  signal: AbortSignal;
}

async function factsOf({ plan, stack, region, timeoutSeconds, connection, signal }: Asking): Promise<AccountAnswer> {
  const [ec2, quotas] = await Promise.all([import("@aws-sdk/client-ec2"), import("@aws-sdk/client-service-quotas")]);
  const options = clientOptions(connection, { silenceSeconds: timeoutSeconds, attempts: 2 });
  const client = new ec2.EC2Client({ ...options, region });
  const quotaClient = new quotas.ServiceQuotasClient({ ...options, region });
  const refusals: string[] = [];
  /** The answer to a question; null if AWS refused it. */
  const answered = async <T>(question: string, answer: Promise<T>): Promise<T | null> => {
    try {
      return await answer;
    } catch (error) {
      if (!isFromAws(error)) throw error;
      const reason = awsSentence(error, { question: `${question} in ${region}`, needs: PREFLIGHT_PERMISSIONS });
      if (!isAnswer(error) || isAboutCredentials(error)) throw new NoAnswer(reason, { cause: error });
      refusals.push(reason);
      return null;
    }
  };
  await answered("credentials", client.config.credentials());
  const codes = [...vcpusOf(plan).keys()];
  const spotTypes = new Set(plan.machines.flatMap(({ type, market }) => (market === "spot" ? type : [])));
  const reserved = [...new Set(plan.machines.flatMap(({ reservation }) => reservation ?? []))];
  const [limits, instances, zones, subnets, reservations] = await Promise.all([
    Promise.all(
      codes.map(async (code) => {
        const vcpus = await answered(`servicequotas:GetServiceQuota of ${code}`, quotaOf(quotaClient, code, signal));
        return vcpus === null ? [] : ([[code, vcpus]] as const);
      }),
    ),
    answered("ec2:DescribeInstances", instancesOf(client, signal)),
    answered("ec2:DescribeInstanceTypeOfferings", zonesOf(client, typesOf(plan), signal)),
    plan.aws?.network.kind === "existing"
      ? answered("ec2:DescribeSubnets", subnetsOf(client, plan.aws.network, stack, signal))
      : null,
    reserved.length === 0 ? null : answered("ec2:DescribeCapacityReservations", reservationsOf(client, signal)),
  ]);
  const prices =
    spotTypes.size === 0
      ? null
      : await answered("ec2:DescribeSpotPriceHistory", spotPricesOf(client, [...spotTypes], signal));
  const [own, others] = [true, false].map((isOwn) =>
    (instances ?? []).filter(
      ({ Tags }) => Tags?.some(({ Key, Value }) => Key === STACK_TAG && Value === stack) === isOwn,
    ),
  );
  const facts: AccountFacts = {
    region,
    quotas: Object.fromEntries(limits.flat()),
    usedVcpus: instances === null ? null : vcpusInUse(others ?? []),
    zones: zones?.map((zone) => ({ ...zone, spotUsdPerHour: prices?.get(zone.name) ?? {} })) ?? null,
    presentZone: own?.[0]?.Placement?.AvailabilityZone ?? null,
    subnets,
    reservations:
      reservations === null
        ? null
        : Object.fromEntries(reserved.map((id) => [id, reservationFacts(id, reservations, own ?? [])])),
  };
  return { facts, refusals };
}

/** The account's own value; AWS's default if the account has none. */
async function quotaOf(client: ServiceQuotasClient, code: string, abortSignal: AbortSignal): Promise<number> {
  const { GetAWSDefaultServiceQuotaCommand, GetServiceQuotaCommand } = await import("@aws-sdk/client-service-quotas");
  const wanted = { ServiceCode: "ec2", QuotaCode: code };
  try {
    const { Quota } = await client.send(new GetServiceQuotaCommand(wanted), { abortSignal });
    return Quota?.Value ?? 0;
  } catch (error) {
    if (!(error instanceof Error) || !isNotFound(error)) throw error;
    const { Quota } = await client.send(new GetAWSDefaultServiceQuotaCommand(wanted), { abortSignal });
    return Quota?.Value ?? 0;
  }
}

/** Every instance that exists. */
async function instancesOf(client: EC2Client, abortSignal: AbortSignal): Promise<Instance[]> {
  const { paginateDescribeInstances } = await import("@aws-sdk/client-ec2");
  const filter = { Filters: [{ Name: "instance-state-name", Values: PRESENT }] };
  const found = paginateDescribeInstances({ client, pageSize: 1000 }, filter, { abortSignal });
  return (await collected(found, ({ Reservations }) => Reservations)).flatMap(({ Instances }) => Instances ?? []);
}

/** vCPUs of the running instances, by quota code. Instances on dedicated hosts count against the quota of hosts instead. */
function vcpusInUse(instances: readonly Instance[]): Record<string, number> {
  const used: Record<string, number> = {};
  for (const { InstanceType: type = "", InstanceLifecycle, CpuOptions, State, Placement } of instances) {
    const isRunning = State?.Name === "running" || State?.Name === "pending";
    const code = quotaCodeOf(type, InstanceLifecycle === "spot" ? "spot" : "on-demand");
    if (!isRunning || code === null || Placement?.Tenancy === "host" || InstanceLifecycle === "capacity-block")
      continue;
    const vcpus = findMachineType(type)?.vcpus ?? (CpuOptions?.CoreCount ?? 0) * (CpuOptions?.ThreadsPerCore ?? 1);
    used[code] = (used[code] ?? 0) + vcpus;
  }
  return used;
}

/** The region's availability zones, each with those of the types that it offers. */
async function zonesOf(
  client: EC2Client,
  types: readonly string[],
  abortSignal: AbortSignal,
): Promise<Omit<ZoneFacts, "spotUsdPerHour">[]> {
  const { DescribeAvailabilityZonesCommand, paginateDescribeInstanceTypeOfferings } = await import(
    "@aws-sdk/client-ec2"
  );
  const filter = {
    LocationType: "availability-zone" as const,
    Filters: [{ Name: "instance-type", Values: [...types] }],
  };
  const [{ AvailabilityZones = [] }, offerings] = await Promise.all([
    client.send(new DescribeAvailabilityZonesCommand({}), { abortSignal }),
    collected(
      paginateDescribeInstanceTypeOfferings({ client }, filter, { abortSignal }),
      ({ InstanceTypeOfferings }) => InstanceTypeOfferings,
    ),
  ]);
  return AvailabilityZones.flatMap(({ ZoneName: name, ZoneType, OptInStatus, State }) => {
    // Without Local Zones and Wavelength Zones that the account has opted in to.
    const isOwn = (ZoneType ?? "availability-zone") === "availability-zone" && OptInStatus !== "not-opted-in";
    if (name === undefined || !isOwn || State !== "available") return [];
    const offered = offerings.flatMap(({ Location, InstanceType }) => (Location === name ? (InstanceType ?? []) : []));
    return [{ name, types: offered.filter((type) => types.includes(type)).sort() }];
  });
}

/** Current spot prices, by zone and type. */
async function spotPricesOf(
  client: EC2Client,
  types: readonly string[],
  abortSignal: AbortSignal,
): Promise<Map<string, Record<string, number>>> {
  const { paginateDescribeSpotPriceHistory } = await import("@aws-sdk/client-ec2");
  const wanted = new Set<string>(types);
  const history = await collected(
    // A history that starts now holds the current price only, one for each zone.
    paginateDescribeSpotPriceHistory(
      { client },
      {
        StartTime: new Date(),
        ProductDescriptions: ["Linux/UNIX"],
        Filters: [{ Name: "instance-type", Values: [...types] }],
      },
      { abortSignal },
    ),
    ({ SpotPriceHistory }) => SpotPriceHistory,
  );
  const prices = new Map<string, Record<string, number>>();
  for (const { AvailabilityZone: zone, InstanceType: type, SpotPrice } of history) {
    if (zone === undefined || type === undefined || !wanted.has(type) || !(Number(SpotPrice) > 0)) continue;
    prices.set(zone, { ...prices.get(zone), [type]: Number(SpotPrice) });
  }
  return prices;
}

/** The subnets that the stack file names, and the addresses that others use in the machines' subnet. */
async function subnetsOf(
  client: EC2Client,
  { subnetId, publicSubnetIds }: ExistingNetworkPlan,
  stack: string,
  abortSignal: AbortSignal,
): Promise<NonNullable<AccountFacts["subnets"]>> {
  const { DescribeSubnetsCommand, paginateDescribeNetworkInterfaces } = await import("@aws-sdk/client-ec2");
  const ids = [subnetId, ...publicSubnetIds];
  // In a filter, an id that does not exist is not an error.
  const filter = (values: string[]) => ({ Filters: [{ Name: "subnet-id", Values: values }] });
  const [{ Subnets = [] }, interfaces] = await Promise.all([
    client.send(new DescribeSubnetsCommand(filter(ids)), { abortSignal }),
    collected(
      paginateDescribeNetworkInterfaces({ client }, filter([subnetId]), { abortSignal }),
      ({ NetworkInterfaces }) => NetworkInterfaces,
    ),
  ]);
  const taken = interfaces
    .filter(({ TagSet }) => !TagSet?.some(({ Key, Value }) => Key === STACK_TAG && Value === stack))
    .flatMap(({ PrivateIpAddresses }) => PrivateIpAddresses ?? [])
    .flatMap(({ PrivateIpAddress }) => PrivateIpAddress ?? []);
  return Object.fromEntries(
    ids.map((id) => {
      const found = Subnets.find(({ SubnetId }) => SubnetId === id);
      if (found === undefined) return [id, null];
      const { VpcId: vpcId = "", AvailabilityZone: zone = "", CidrBlock: cidr = "" } = found;
      return [id, { vpcId, zone, cidr, takenAddresses: id === subnetId ? taken : [] }];
    }),
  );
}

/** Every reservation of the region, because ids can't be filtered, and an id that does not exist would be an error. */
async function reservationsOf(client: EC2Client, abortSignal: AbortSignal): Promise<CapacityReservation[]> {
  const { paginateDescribeCapacityReservations } = await import("@aws-sdk/client-ec2");
  return collected(
    paginateDescribeCapacityReservations({ client }, {}, { abortSignal }),
    ({ CapacityReservations }) => CapacityReservations,
  );
}

function reservationFacts(
  id: string,
  all: readonly CapacityReservation[],
  own: readonly Instance[],
): ReservationFacts | null {
  const found = all.find(({ CapacityReservationId }) => CapacityReservationId === id);
  if (found === undefined) return null;
  const { State: state = "", InstanceType: type = "", AvailabilityZone: zone = "", AvailableInstanceCount = 0 } = found;
  const inIt = own.filter(
    ({ CapacityReservationId, State }) => CapacityReservationId === id && State?.Name === "running",
  );
  return { state, type, zone, free: AvailableInstanceCount + inIt.length };
}
