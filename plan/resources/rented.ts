/** The machines of a plan with the backends on each. */

import type { BackendPlan, MachinePlan } from "./plans.ts";

/** A machine and the backends that it runs, in the order of their devices. */
export interface RentedBackends {
  machine: MachinePlan;
  backends: BackendPlan[];
}

/** The machines of a cluster on EC2. */
export interface Rented {
  front: MachinePlan;
  others: readonly RentedBackends[];
}

/** The machines of a plan; null with target docker. The plan lists backends in the order of their machines. */
export function rented(plan: { machines: readonly MachinePlan[]; backends: readonly BackendPlan[] }): Rented | null {
  const [front, ...machines] = plan.machines;
  if (front === undefined) return null;
  let next = 0;
  const others = machines.map((machine) => {
    const first = next;
    next += machine.backends.length;
    return { machine, backends: plan.backends.slice(first, next) };
  });
  return { front, others };
}
