/** The line in which a machine says where it is: `<unix seconds> <step> <state> <text>`. Written by node.sh. */

/** Steps of a machine in their order; `created` is before it has written anything, `key` to `loading` are the front's. */
export const NODE_STEPS = [
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
export type NodeStep = (typeof NODE_STEPS)[number];

/**
 * `failed`: the text says why and what to do; the machine tries again by itself, with longer pauses, and a later try
 * overwrites it. `degraded`: the container answers no health check but goes on running, and may come back by itself: a front
 * does when its lost backend is back. `ready`, with step `serving`: a backend listens; a front has answered a real generation. `done` with step
 * `serving`: the machine stops itself.
 */
export const NODE_STATES = ["running", "done", "failed", "degraded", "ready"] as const;
export type NodeState = (typeof NODE_STATES)[number];

/** One status. */
export interface NodeStatus {
  /** Unix time of the writing, by the machine's own clock. */
  seconds: number;
  step: NodeStep;
  state: NodeState;
  /** One line: `37.2 of 42.0 GiB`, `3 of 4`, or a failure's reason with its remedy. */
  text: string;
}

/** What the parameter holds before the machine has written anything. */
export const INITIAL_STATUS: NodeStatus = {
  seconds: 0,
  step: "created",
  state: "running",
  text: "waiting for the machine",
};

/** The line of a status. */
export function formatStatus({ seconds, step, state, text }: NodeStatus): string {
  return `${seconds} ${step} ${state} ${text.replace(/\s+/g, " ").trim()}`;
}

/** The status in a line; null if it is none. */
export function parseStatus(line: string): NodeStatus | null {
  const match = /^(\d{1,12}) ([a-z]+) ([a-z]+)(?: (.*))?$/.exec(line.trim());
  const step = NODE_STEPS.find((known) => known === match?.[2]);
  const state = NODE_STATES.find((known) => known === match?.[3]);
  if (!match || step === undefined || state === undefined) return null;
  return { seconds: Number(match[1]), step, state, text: match[4] ?? "" };
}

/** The last status of a machine in EC2's console output: there where the parameter could not be written; null if none. */
export function statusInConsole(output: string, machine: string): NodeStatus | null {
  const before = `llama-rpc-cluster ${machine}: `;
  const lines = output.split(/\r?\n/).filter((line) => line.includes(before));
  return parseStatus((lines.at(-1) ?? "").replace(/^.*?llama-rpc-cluster \S+: /, ""));
}
