/** Finds the command that makes a cluster's endpoint reachable. */
import * as z from "zod";
import type { Outputs } from "./cluster.ts";

/** The part of `pulumi stack export` that is read here. */
export const deploymentSchema = z.object({
  deployment: z
    .object({
      resources: z
        .array(z.object({ type: z.string(), outputs: z.record(z.string(), z.unknown()).optional() }))
        .nullish(),
    })
    .optional(),
});
export type Deployment = z.output<typeof deploymentSchema>;

/** `session`: the command opens one from this machine; `elsewhere`: another account runs the command. */
export type Connection = { kind: "reachable" } | { kind: "session" | "elsewhere"; command: string };

/** Type of the component whose outputs hold the long command. As a stack output it would be cut on the screen. */
const CLUSTER = "llama-rpc-cluster:aws:AwsCluster";

/** Reads the connection from a stack's outputs and state. */
export function connectionOf({ connect, plan }: Outputs, { deployment }: Deployment): Connection {
  if (connect === "") return { kind: "reachable" };
  const cluster = deployment?.resources?.find(({ type }) => type === CLUSTER);
  // Clusters of an older version of this project have the long command as a stack output.
  const command = cluster?.outputs?.["connectCommand"] ?? connect;
  return { kind: plan.aws?.access.mode === "private" ? "elsewhere" : "session", command: String(command) };
}
