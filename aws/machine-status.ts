/** The status line of a machine: `<unix seconds> <step> <state> <text>`. node.sh writes it. */

/** Steps of a machine in order; `created` holds until its first line, and only a front has the steps `key` to `loading`. */
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
 * `failed`: the text gives the reason and the remedy; the machine tries again by itself, with longer pauses, and a later
 * try overwrites the line. `degraded`: the container fails its health check but keeps running and may recover by itself, as
 * a front does when its lost backend is back. `ready` with step `serving`: a backend listens, or a front has answered a real
 * generation. `done` with step `serving`: the machine stops itself.
 */
export const NODE_STATES = ["running", "done", "failed", "degraded", "ready"] as const;
export type NodeState = (typeof NODE_STATES)[number];

/** One status. */
export interface NodeStatus {
  /** Unix time of the line, by the machine's clock. */
  seconds: number;
  step: NodeStep;
  state: NodeState;
  /** One line: `37.2 of 42.0 GiB`, `3 of 4`, or a failure's reason with its remedy. */
  text: string;
}

/** The initial value of the parameter. */
export const INITIAL_STATUS: NodeStatus = {
  seconds: 0,
  step: "created",
  state: "running",
  text: "waiting for the machine",
};

/** Formats a status as its line. */
export function formatStatus({ seconds, step, state, text }: NodeStatus): string {
  return `${seconds} ${step} ${state} ${text.replace(/\s+/g, " ").trim()}`;
}

/** Parses a line; null if it is not a status. */
export function parseStatus(line: string): NodeStatus | null {
  const match = /^(\d{1,12}) ([a-z]+) ([a-z]+)(?: (.*))?$/.exec(line.trim());
  const step = NODE_STEPS.find((known) => known === match?.[2]);
  const state = NODE_STATES.find((known) => known === match?.[3]);
  if (!match || step === undefined || state === undefined) return null;
  return { seconds: Number(match[1]), step, state, text: match[4] ?? "" };
}

/** The last status of a machine in EC2's console output, also one that the machine could not write to SSM; null if none. */
export function statusInConsole(output: string, machine: string): NodeStatus | null {
  const before = `llama-rpc-cluster ${machine}: `;
  const lines = output.split(/\r?\n/).filter((line) => line.includes(before));
  return parseStatus((lines.at(-1) ?? "").replace(/^.*?llama-rpc-cluster \S+: /, ""));
}
