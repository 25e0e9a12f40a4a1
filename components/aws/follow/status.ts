/**
 * What a machine says of its start: one line in a parameter of its own, `<unix seconds> <step> <state> <text>`, written by
 * `components/aws/boot/`.
 */

/** Steps of a start in their order; a backend takes neither key, model, backends nor loading. */
export const STEPS = [
  "created",
  "booted",
  "docker",
  "image",
  "key",
  "model",
  "backends",
  "loading",
  "serving",
] as const;

export type Step = (typeof STEPS)[number];
export type StepState = "running" | "done" | "failed" | "ready";

export interface MachineStatus {
  /** When the machine wrote it, by its own clock; 0 before it has written anything. */
  unixSeconds: number;
  step: Step;
  state: StepState;
  /** Progress, or why it failed and what to do. */
  text: string;
}

const LINE = new RegExp(`^(\\d+) (${STEPS.join("|")}) (running|done|failed|ready)(?: (.*))?$`);

/** Understands a status line; null if it is none. */
export function parseStatus(line: string): MachineStatus | null {
  const match = LINE.exec(line.trim());
  const step = STEPS.find((known) => known === match?.[2]);
  const state = STATES.find((known) => known === match?.[3]);
  if (match === null || step === undefined || state === undefined) return null;
  return { unixSeconds: Number(match[1]), step, state, text: match[4] ?? "" };
}

const STATES = ["running", "done", "failed", "ready"] as const satisfies readonly StepState[];

/** Whether a machine has a step behind it. */
export function isPast({ step, state }: MachineStatus, wanted: Step): boolean {
  const [at, where] = [STEPS.indexOf(step), STEPS.indexOf(wanted)];
  return at > where || (at === where && (state === "done" || state === "ready"));
}

/** Whether a machine has come to its end: a backend waits for its front, a front has answered. */
export const isReady = ({ step, state }: MachineStatus) => step === "serving" && state === "ready";
