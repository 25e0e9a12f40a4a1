/** How a cluster's endpoint becomes reachable. */
import type { Outputs } from "./cluster.ts";

/** What `pulumi stack export` prints, as far as it is read here. */
export interface Deployment {
  deployment?: { resources?: readonly { type: string; outputs?: Record<string, unknown> }[] };
}

/** `session`: the command opens one from this machine; `elsewhere`: another account runs the command. */
export type Connection = { kind: "reachable" } | { kind: "session" | "elsewhere"; command: string };

/** Type of the component whose outputs hold the long command: on a screen it would be cut. */
const CLUSTER = "llama-rpc-cluster:aws:AwsCluster";

/** Reads the way to the endpoint from a stack's outputs and state. */
export function connectionOf({ connect, plan }: Outputs, { deployment }: Deployment): Connection {
  if (connect === "") return { kind: "reachable" };
  const cluster = deployment?.resources?.find(({ type }) => type === CLUSTER);
  // A cluster that an older version of this project made has the long command as its output.
  const command = cluster?.outputs?.["connectCommand"] ?? connect;
  return { kind: plan.aws?.access.mode === "private" ? "elsewhere" : "session", command: String(command) };
}
