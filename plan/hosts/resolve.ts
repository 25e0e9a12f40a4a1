/** Turns a configuration into a {@link Cluster}. Only this file interprets a stack file. */

import { batchesOf } from "../../config/batches.ts";
import { DEFAULT_HOST_PORT, FIRST_BACKEND_OFFSET, POOL_ADDRESSES } from "../../config/bounds.ts";
import { ConfigError, closest, type Problem } from "../../config/problems.ts";
import type { ClusterConfig, PoolConfig } from "../../config/schema/index.ts";
import type { MemorySize } from "../../config/units.ts";
import { findMachineType, type MachineType, machineTypes } from "../catalog/index.ts";
import { runSettings } from "../memory/settings.ts";
import type {
  AwsAccess,
  AwsCluster,
  Backend,
  Cluster,
  DockerCluster,
  Front,
  GivenNetwork,
  Limits,
  Machine,
  MachinePool,
  Pool,
} from "./cluster.ts";
import { backendHost, backendsPerMachine, frontHost, type Host, ownHost } from "./hosts.ts";

const DEFAULT_FRONT_MEMORY: MemorySize = "2 GiB";

/**
 * Resolves a configuration and fills in every default.
 * @throws {ConfigError} with every problem that the catalog finds in its machines
 */
export function resolve(config: ClusterConfig): Cluster {
  return config.aws === undefined ? dockerCluster(config) : awsCluster(config, config.aws);
}

/**
 * Resolves a configuration of target aws.
 * @throws {ConfigError} with every problem that the catalog finds in its machines
 */
export function resolveOnAws(config: ClusterConfig): AwsCluster {
  const cluster = resolve(config);
  if (cluster.target !== "aws") throw new Error("a configuration of target docker has no machines to rent");
  return cluster;
}

function dockerCluster(config: ClusterConfig): DockerCluster {
  const { front } = config;
  assertSplit(config, ({ count }) => count);
  let next = FIRST_BACKEND_OFFSET;
  const pools = config.backends.map((pool, index): Pool<null> => {
    const host = ownHost(pool, pool.flavour ?? "cpu");
    const gpus = host.flavour === "cpu" ? null : (pool.gpus ?? "all");
    const backends = Array.from(
      { length: pool.count },
      (_, number): Backend<null> => ({
        ...host,
        name: `${pool.name}-${number}`,
        pool: pool.name,
        poolIndex: index,
        gpu: 0,
        gpus,
        addressOffset: next++,
      }),
    );
    return { name: pool.name, index, host, count: pool.count, backends };
  });
  return {
    target: "docker",
    front: frontOf(config, ownHost({ ...front, memory: front.memory ?? DEFAULT_FRONT_MEMORY }, front.flavour)),
    pools,
    backends: pools.flatMap(({ backends }) => backends),
    ...common(config),
  };
}

function awsCluster(config: ClusterConfig, aws: AwsSection): AwsCluster {
  const problems = machineProblems(config);
  if (problems.length > 0) throw new ConfigError(problems);
  const pools = config.backends.map(machinePool);
  return {
    target: "aws",
    front: frontOf(config, frontHost(typeOf(config.front.machine), config.front.flavour)),
    pools,
    machines: pools.flatMap(({ machines }) => machines),
    backends: pools.flatMap(({ backends }) => backends),
    region: aws.region,
    availabilityZone: aws.availabilityZone ?? null,
    network: aws.network === undefined ? null : givenNetwork(aws.network),
    access: accessOf(config),
    flowLogs: aws.flowLogs,
    protection: aws.protection,
    tags: aws.tags,
    vcpuQuotas: aws.vcpuQuotas,
    huggingFaceTokenParameter: aws.huggingFaceTokenParameter ?? null,
    ...common(config),
  };
}

/** A pool on EC2 with its machines and their backends. */
function machinePool(config: PoolConfig, index: number): MachinePool {
  const { name, count, market = "on-demand", reservation = null } = config;
  const host = backendHost(typeOf(config.machine), config.flavour);
  const pool = { name, index, host, count, market, reservation };
  const perMachine = backendsPerMachine(host.type, host.flavour);
  const machines = Array.from({ length: count }, (_, number): Machine => {
    // Each pool has a block of addresses: another machine must not change the next pool's addresses, or they are replaced.
    const addressOffset = POOL_ADDRESSES * (index + 1) + number;
    const backends = Array.from(
      { length: perMachine },
      (_, gpu): Backend<MachineType> => ({
        ...host,
        name: `${name}-${number * perMachine + gpu}`,
        pool: name,
        poolIndex: index,
        gpu,
        // A container gets the one GPU that it lends.
        gpus: host.flavour === "cpu" ? null : String(gpu),
        addressOffset,
      }),
    );
    return { name: `${name}-machine-${number}`, pool, backends, addressOffset };
  });
  return { ...pool, machines, backends: machines.flatMap(({ backends }) => backends) };
}

function frontOf<Type extends MachineType | null>({ front }: ClusterConfig, host: Host<Type>): Front<Type> {
  return {
    ...host,
    gpus: front.flavour === "cuda" ? (front.gpus ?? "all") : null,
    hostPort: front.hostPort ?? DEFAULT_HOST_PORT,
    embeddings: front.embeddings,
    arguments: front.arguments,
    waits: front.wait,
    diskMebibytesPerSecond: front.diskMebibytesPerSecond ?? null,
  };
}

/** The parts that both targets have. */
function common(config: ClusterConfig) {
  return {
    config,
    model: config.model,
    settings: runSettings(config),
    batches: batchesOf(config),
    ownSplit: ownSplitOf(config),
    limits: limitsOf(config),
    privateCidr: config.access.privateCidr ?? null,
  };
}

function ownSplitOf({ backends }: ClusterConfig): number[] | null {
  const counts = backends.map(({ layers }) => layers);
  return counts.every((layers) => layers !== undefined) ? counts.flat() : null;
}

function limitsOf({ limits }: ClusterConfig): Limits {
  return {
    maxHourlyUsd: limits.maxHourlyUsd ?? null,
    maxMonthlyUsd: limits.maxMonthlyUsd ?? null,
    alarmEmail: limits.alarmEmail ?? null,
    stopAfterIdleMinutes: limits.stopAfterIdleMinutes ?? null,
    stopAfterHours: limits.stopAfterHours ?? null,
    schedule: limits.schedule ?? null,
  };
}

type AwsSection = NonNullable<ClusterConfig["aws"]>;

function givenNetwork({ vpcId, subnetId, publicSubnetIds = [] }: NonNullable<AwsSection["network"]>): GivenNetwork {
  return { vpcId, subnetId, publicSubnetIds };
}

function accessOf({ access }: ClusterConfig): AwsAccess {
  const { mode = "ssm", allowedCidrs = [], privateLinkPrincipals = [], domain = "" } = access;
  switch (mode) {
    case "ssm":
      return { mode };
    case "private":
      return { mode, allowedCidrs, privateLinkPrincipals };
    case "public":
      return {
        mode,
        allowedCidrs,
        domain,
        hostedZone: access.hostedZone ?? domain.slice(domain.indexOf(".") + 1),
        requestsPerFiveMinutes: access.requestsPerFiveMinutes ?? null,
      };
  }
}

function typeOf(machine: string | undefined): MachineType {
  const type = machine === undefined ? undefined : findMachineType(machine);
  if (type === undefined) throw new Error(`the rules let a machine pass that the catalog does not have: ${machine}`);
  return type;
}

/** Every problem that the catalog finds in the machines of a configuration. */
export function machineProblems(config: ClusterConfig): Problem[] {
  const named = [
    { path: "front", machine: config.front.machine, flavour: config.front.flavour },
    ...config.backends.map(({ machine, flavour }, index) => ({ path: `backends[${index}]`, machine, flavour })),
  ];
  const problems = named.flatMap(({ path, machine, flavour }): Problem[] => {
    if (machine === undefined) return [];
    const type = findMachineType(machine);
    if (type === undefined) return [unknownType(`${path}.machine`, machine)];
    if (flavour !== "cuda" || type.gpu !== null) return [];
    const rule = `must be "cpu", because a ${machine} has no GPU`;
    return [{ path: `${path}.flavour`, value: flavour, rule, remedy: `Remove it, or choose another ${path}.machine.` }];
  });
  return problems.length > 0 ? problems : splitProblems(config, backendsOnMachines);
}

function unknownType(path: string, machine: string): Problem {
  const meant = closest(
    machine,
    machineTypes().map(({ name }) => name),
  );
  return {
    path,
    value: machine,
    rule: "must be an EC2 type of the catalog, which has NVIDIA and Graviton machines",
    remedy: meant === null ? "`npm run advise` proposes machines for a model." : `Did you mean ${meant}?`,
  };
}

function backendsOnMachines({ machine, flavour, count }: PoolConfig): number {
  const type = typeOf(machine);
  return count * backendsPerMachine(type, backendHost(type, flavour).flavour);
}

function assertSplit(config: ClusterConfig, backendsOf: (pool: PoolConfig) => number): void {
  const problems = splitProblems(config, backendsOf);
  if (problems.length > 0) throw new ConfigError(problems);
}

function splitProblems({ backends }: ClusterConfig, backendsOf: (pool: PoolConfig) => number): Problem[] {
  return backends.flatMap((pool, poolIndex): Problem[] => {
    const { layers } = pool;
    if (layers === undefined) return [];
    const count = backendsOf(pool);
    if (layers.length === count) return [];
    const path = `backends[${poolIndex}].layers`;
    const rule = `must have ${count} ${count === 1 ? "number" : "numbers"}, one for each backend of the pool`;
    const remedy = `Write a list of ${count}; a machine with several GPUs runs a backend for each.`;
    return [{ path, value: layers, rule, remedy }];
  });
}
