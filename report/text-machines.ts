/** Machines as the plan's text and picture name them. */

import type { Access } from "../config/words.ts";
import type { ClusterPlan } from "../plan/plan.ts";
import type { BackendPlan, FrontPlan, MachinePlan } from "../plan/resources/plans.ts";
import { bytes, usd } from "./amounts.ts";
import { columns, hanging, type Paint } from "./layout.ts";

/** What computes: `CPU`, `L4`, or `CUDA` where the GPU's name is not known. */
export function processorOf({ machines }: Pick<ClusterPlan, "machines">, { name, flavour }: BackendPlan): string {
  if (flavour === "cpu") return "CPU";
  const machine = machines.find(({ backends }) => backends.includes(name));
  return machine?.hardware.gpu?.name ?? "CUDA";
}

/** Types that the region does not sell on demand, each once. */
export function notSold({ machines }: Pick<ClusterPlan, "machines">): string[] {
  return [...new Set(machines.filter(({ usdPerHour }) => usdPerHour === null).map(({ type }) => type))];
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
    const price = machine.usdPerHour;
    const each = count === 1 ? "" : " each";
    const cost = price === null ? "no price" : `${usd(price)} US dollars per hour${each}`;
    return [...hardwareTexts(machine), machine.market, cost].join(", ");
  });
  return rows.flatMap((_, index) => {
    const name = `${names[index] ?? ""}  `;
    const [first = "", ...rest] = hanging(name, details[index] ?? "", width);
    return [paint("bold", first.slice(0, name.length)) + first.slice(name.length), ...rest];
  });
}

function hardwareTexts({ hardware: { gpu, vcpus, processor, memoryBytes } }: MachinePlan): string[] {
  const own = gpu === null ? [] : [`${gpu.count} × ${gpu.name} of ${bytes(gpu.memoryBytes)}`];
  return [...own, `${vcpus} vCPUs of ${processor}`, bytes(memoryBytes)];
}
