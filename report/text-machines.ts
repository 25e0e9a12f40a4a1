/** Machines as the plan's text and picture name them. */

import { MIB } from "../config/units.ts";
import type { Access } from "../config/words.ts";
import { findMachineType } from "../plan/catalog/index.ts";
import { machinePrice, type UsdRange } from "../plan/cost/quote.ts";
import type { ClusterPlan } from "../plan/plan.ts";
import type { BackendPlan, FrontPlan, MachinePlan } from "../plan/resources/plans.ts";
import { bytes, usd } from "./amounts.ts";
import { columns, hanging, type Paint } from "./layout.ts";

/** What computes: `CPU`, `L4`, or `CUDA` where the GPU's name is not known. */
export function processorOf({ machines }: Pick<ClusterPlan, "machines">, { name, flavour }: BackendPlan): string {
  if (flavour === "cpu") return "CPU";
  const machine = machines.find(({ backends }) => backends.includes(name));
  return (machine === undefined ? undefined : findMachineType(machine.type)?.gpu?.name) ?? "CUDA";
}

/** What one machine costs per hour; null where it is not sold on demand. */
export function priceOf({ region }: Pick<ClusterPlan, "region">, { type, market }: MachinePlan): UsdRange | null {
  return region === null ? null : machinePrice(type, market === "spot", region);
}

/** Types that the region does not sell on demand, each once. */
export function notSold(plan: ClusterPlan): string[] {
  return [...new Set(plan.machines.filter((machine) => priceOf(plan, machine) === null).map(({ type }) => type))];
}

/** How a person gets to the front. */
export function endpointText({ access, hostAddress, hostPort, port }: FrontPlan): string {
  const ways: Readonly<Record<Access, string>> = {
    loopback: `http://${hostAddress}:${hostPort}`,
    ssm: `port ${port} of the front, through an SSM session of yours: no port is open to anybody`,
    private: "a load balancer that your own networks reach, the Internet does not",
    public: "a load balancer on the Internet",
  };
  return ways[access];
}

/** Machines that are equal, on one line: how many, what they are for, what they have and what each costs. */
export function machineLines(plan: ClusterPlan, width: number, paint: Paint): string[] {
  const groups = [...Map.groupBy(plan.machines, ({ pool, type, market }) => `${pool} ${type} ${market}`).values()];
  const rows = groups.flatMap((group) => {
    const [machine] = group;
    return machine === undefined ? [] : [{ count: group.length, machine }];
  });
  const names = columns(
    rows.map(({ count, machine }) => [
      machine.pool === null ? "front" : `pool ${machine.pool}`,
      `${count} × ${machine.type}`,
    ]),
  );
  const details = rows.map(({ count, machine }) => {
    const price = priceOf(plan, machine);
    const each = count === 1 ? "" : " each";
    const cost = price === null ? "no price" : `${usd(price)} US dollars per hour${each}`;
    return [...hardware(machine.type), machine.market, cost].join(", ");
  });
  return rows.flatMap((_, index) => {
    const name = `${names[index] ?? ""}  `;
    const [first = "", ...rest] = hanging(name, details[index] ?? "", width);
    return [paint("bold", first.slice(0, name.length)) + first.slice(name.length), ...rest];
  });
}

function hardware(name: string): string[] {
  const type = findMachineType(name);
  if (type === undefined) return [];
  const { gpu, gpus, vcpus, memoryMib, processor } = type;
  const own = gpu === null ? [] : [`${gpus} × ${gpu.name} of ${bytes(gpu.memoryMib * MIB)}`];
  return [...own, `${vcpus} vCPUs of ${processor.name}`, bytes(memoryMib * MIB)];
}
