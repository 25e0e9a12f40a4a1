/** The machines to rent: their hardware, price and address. */

import { MIB } from "../../config/units.ts";
import type { MachineType } from "../catalog/index.ts";
import { priceOf } from "../cost/prices.ts";
import { addresses } from "../hosts/addresses.ts";
import type { AwsCluster, Machine } from "../hosts/cluster.ts";
import type { ModelFacts } from "../model/facts.ts";
import { backendDisk, frontDisk, mostWeightsBytes } from "./disks.ts";
import type { HardwarePlan, MachinePlan } from "./plans.ts";

/** The part of a machine that decides its price: without name and address. */
export type MachineOrder = Omit<MachinePlan, "name" | "address" | "backends" | "pool">;

/** The machines of a cluster: the front's first, then those of the backends in their order. */
export function machineOrders(cluster: AwsCluster, facts: ModelFacts): MachineOrder[] {
  return [frontOrder(cluster, facts), ...cluster.machines.map((machine) => backendOrder(cluster, facts, machine))];
}

/** The machine of the front. */
export function frontOrder({ front, region }: AwsCluster, facts: ModelFacts): MachineOrder {
  return {
    type: front.type.name,
    hardware: hardwareOf(front.type),
    market: "on-demand",
    usdPerHour: priceOf(front.type, region, "on-demand"),
    reservation: null,
    flavour: front.flavour,
    architecture: front.type.architecture,
    disk: frontDisk(front, facts),
    // The model must survive a stop.
    instanceStore: false,
    imageParameter: imageParameterOf(front.type),
    recovery: recoveryOf(front.type),
    inPlacementGroup: true,
  };
}

function backendOrder(cluster: AwsCluster, facts: ModelFacts, { pool, backends }: Machine): MachineOrder {
  const { type, flavour } = pool.host;
  const capacityBytes = backends.reduce((sum, backend) => sum + backend.capacityBytes, 0);
  const cacheBytes = mostWeightsBytes(capacityBytes, facts);
  const instanceStore = keepsRunning(cluster, pool) && type.nvmeGigabytes * 1e9 >= cacheBytes * 1.1;
  return {
    type: type.name,
    hardware: hardwareOf(type),
    market: pool.market,
    usdPerHour: priceOf(type, cluster.region, pool.market),
    reservation: pool.reservation,
    flavour,
    architecture: type.architecture,
    disk: backendDisk(type, instanceStore ? 0 : cacheBytes),
    instanceStore,
    imageParameter: imageParameterOf(type),
    recovery: recoveryOf(type),
    inPlacementGroup: pool.reservation === null,
  };
}

/** Machines to rent, the front's first. @param cidr the cluster's network */
export function machinePlans(cluster: AwsCluster, facts: ModelFacts, cidr: string): MachinePlan[] {
  const network = addresses(cidr);
  return [
    { name: "front", pool: null, ...frontOrder(cluster, facts), address: network.front, backends: [] },
    ...cluster.machines.map((machine) => ({
      name: machine.name,
      pool: machine.pool.name,
      ...backendOrder(cluster, facts, machine),
      address: network.at(machine),
      backends: machine.backends.map(({ name }) => name),
    })),
  ];
}

function hardwareOf({ vcpus, processor, memoryMib, gpu, gpus }: MachineType): HardwarePlan {
  return {
    vcpus,
    processor: processor.name,
    memoryBytes: memoryMib * MIB,
    gpu: gpu === null ? null : { name: gpu.name, count: gpus, memoryBytes: gpu.memoryMib * MIB },
  };
}

/** Whether the machine never stops, so that the data on its NVMe survives. */
function keepsRunning({ limits }: AwsCluster, { market }: Machine["pool"]): boolean {
  const stops = [limits.schedule, limits.stopAfterIdleMinutes, limits.stopAfterHours];
  return market !== "spot" && stops.every((stop) => stop === null);
}

/**
 * Public SSM parameter of the machine image. With a GPU: AWS's deep learning image with NVIDIA's driver and container
 * toolkit (docs.aws.amazon.com/dlami/latest/devguide/appendix-ami-release-notes.html). Otherwise: Amazon Linux 2023
 * (docs.aws.amazon.com/linux/al2023/ug/ec2.html#launch-from-ssm).
 */
function imageParameterOf({ architecture, gpu }: MachineType): string {
  const name = architecture === "amd64" ? "x86_64" : "arm64";
  return gpu === null
    ? `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${name}`
    : `/aws/service/deeplearning/ami/${name}/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id`;
}

function recoveryOf({ autoRecovery }: MachineType): MachinePlan["recovery"] {
  return autoRecovery ? "automatic" : "alarms";
}
