/** What a machine's status says of how far it is. */

import { NODE_STEPS, type NodeStatus, type NodeStep } from "../machine-status.ts";

/** Whether a machine has a step behind it. */
export function isPast({ step, state }: NodeStatus, wanted: NodeStep): boolean {
  const [at, where] = [NODE_STEPS.indexOf(step), NODE_STEPS.indexOf(wanted)];
  return at > where || (at === where && (state === "done" || state === "ready"));
}

/** Whether a machine has come to its end: a backend waits for its front, a front has answered. */
export const isReady = ({ step, state }: NodeStatus) => step === "serving" && state === "ready";
