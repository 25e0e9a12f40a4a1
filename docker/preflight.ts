/** What a preview asks the Docker engine and its machine before it registers anything. */

import { withMachineFindings } from "../plan/account/machine.ts";
import type { ClusterPlan } from "../plan/plan.ts";
import { engineAddress, type ProviderSettings } from "./address.ts";
import { askMachine, type MachineQuestions } from "./ask.ts";

/** A plan that the machine was asked about. */
export interface MachinePreflight {
  /** With the machine's findings; errors are for `assertRunnable`. */
  plan: ClusterPlan;
  /** Why nothing could be asked; null if it was. */
  note: string | null;
}

/** How the engine is asked. */
export interface MachinePreflightOptions extends Pick<MachineQuestions, "references"> {
  /** What the stack's configuration says to Pulumi's docker provider. */
  provider: ProviderSettings;
  /** @default 2 */
  timeoutSeconds?: number;
}

/**
 * Asks the Docker engine about a plan, within a bounded time. If it does not answer, the plan stays as it is and the note says so:
 * the provider itself fails then if it has to.
 */
export async function preflight(
  plan: ClusterPlan,
  stack: string,
  { references, provider, timeoutSeconds = 2 }: MachinePreflightOptions,
): Promise<MachinePreflight> {
  const { name, address } = engineAddress(provider);
  const unseen = "Ports, networks, memory, disk, the model's permissions and GPUs were not looked at";
  if (address === null)
    return { plan, note: `${unseen}: the Docker engine ${name} is not one that a preview can ask over plain HTTP.` };
  try {
    return {
      plan: withMachineFindings(plan, await askMachine({ plan, stack, references, address, timeoutSeconds })),
      note: null,
    };
  } catch (error) {
    return {
      plan,
      note: `${unseen}: the Docker engine ${name} gave no answer (${error instanceof Error ? error.message : String(error)}).`,
    };
  }
}
