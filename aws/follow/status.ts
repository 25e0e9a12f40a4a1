/** How far a machine is, by its status. */

import { NODE_STEPS, type NodeStatus, type NodeStep } from "../machine-status.ts";

/** Whether a machine has finished a step. */
export function isPast({ step, state }: NodeStatus, wanted: NodeStep): boolean {
  const [at, where] = [NODE_STEPS.indexOf(step), NODE_STEPS.indexOf(wanted)];
  return at > where || (at === where && (state === "done" || state === "ready"));
}

/** Whether a machine is ready: a backend listens, or a front has answered a generation. */
export const isReady = ({ step, state }: NodeStatus) => step === "serving" && state === "ready";
