/** Describes machines for the text and the picture of a plan. */

import type { Access } from "../config/words.ts";
import type { ClusterPlan } from "../plan/plan.ts";
import type { BackendPlan, FrontPlan, MachinePlan } from "../plan/resources/plans.ts";
import { bytes, usd } from "./amounts.ts";
import { columns, hanging, type Paint } from "./layout.ts";

/** The processor of a backend: `CPU`, `L4`, or `CUDA` if the name of the GPU is unknown. */
export function processorOf({ machines }: Pick<ClusterPlan, "machines">, { name, flavour }: BackendPlan): string {
  if (flavour === "cpu") return "CPU";
  const machine = machines.find(({ backends }) => backends.includes(name));
  return machine?.hardware.gpu?.name ?? "CUDA";
}

/** Types that the region does not sell on demand, each once. */
export function notSold({ machines }: Pick<ClusterPlan, "machines">): string[] {
  return [...new Set(machines.filter(({ usdPerHour }) => usdPerHour === null).map(({ type }) => type))];
}

/** How clients reach the front. */
export function endpointText({ access, hostAddress, hostPort, port }: FrontPlan): string {
  const endpoints: Readonly<Record<Access, string>> = {
    loopback: `http://${hostAddress}:${hostPort}`,
    ssm: `port ${port} of the front, through your SSM session; no port is open to the network`,
    private: "an internal load balancer for your networks, not reachable from the Internet",
    public: "a load balancer on the Internet",
  };
  return endpoints[access];
}

/** Equal machines on one line: their number, role, hardware, market and the price of each. */
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
