/**
 * Cleans up after a killed `pulumi up`: it removes a container that the engine has but the state does not, because its fixed
 * name would make every later run fail. Pulumi records each creation before it begins, so the interrupted one is known.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import * as z from "zod";
import { jsonAnswer } from "../answer.ts";
import { paths } from "../paths.ts";
import { ownBackend, PROJECT, pulumiAnswer } from "./engine.ts";

const snapshotSchema = z.object({
  resources: z.array(z.object({ type: z.string(), id: z.string().optional() })).nullish(),
  pending_operations: z
    .array(
      z.object({
        type: z.string(),
        resource: z.object({ type: z.string(), inputs: z.object({ name: z.unknown() }).nullish() }),
      }),
    )
    .nullish(),
});

/** The part of a stack's state that is read here. */
export type Snapshot = z.output<typeof snapshotSchema>;

const exportSchema = z.object({ deployment: snapshotSchema.nullish() });
const checkpointSchema = z.object({ checkpoint: z.object({ latest: snapshotSchema.nullish() }).nullish() });

/** An object in the Docker engine. */
export interface EngineObject {
  kind: "container" | "network";
  id: string;
  name: string;
}

/** Kinds whose name conflicts with a new one; an existing volume is simply reused. */
const KINDS: Record<string, EngineObject["kind"]> = {
  "docker:index/container:Container": "container",
  "docker:index/network:Network": "network",
};

/** Interrupted creations, as kind and name. */
export function pendingCreations(snapshot: Snapshot): { kind: EngineObject["kind"]; name: string }[] {
  return (snapshot.pending_operations ?? []).flatMap(({ type, resource }) => {
    const kind = KINDS[resource.type];
    const name = resource.inputs?.name;
    return type === "creating" && kind !== undefined && typeof name === "string" ? [{ kind, name }] : [];
  });
}

/** Objects that an interrupted creation made and that no state knows. */
export function orphansOf(snapshot: Snapshot, objects: readonly EngineObject[]): EngineObject[] {
  const known = new Set((snapshot.resources ?? []).map(({ id }) => id));
  const pending = pendingCreations(snapshot);
  return objects.filter(
    ({ kind, name, id }) => !known.has(id) && pending.some((one) => one.kind === kind && one.name === name),
  );
}

async function snapshotOf(stack: string, signal: AbortSignal): Promise<Snapshot> {
  if (!ownBackend()) {
    const text = await pulumiAnswer(["stack", "export", "--stack", stack], signal);
    return jsonAnswer(text, exportSchema, "pulumi stack export").deployment ?? {};
  }
  // Our own backend is a folder: reading it is faster than asking Pulumi.
  const file = join(paths.state, ".pulumi", "stacks", PROJECT, `${stack}.json`);
  if (!existsSync(file)) return {};
  return jsonAnswer(readFileSync(file, "utf8"), checkpointSchema, file).checkpoint?.latest ?? {};
}

async function objectsOf(stack: string): Promise<EngineObject[]> {
  const filter = ["--no-trunc", "--filter", `label=llama-rpc-cluster/stack=${stack}`];
  const list = async (kind: EngineObject["kind"], args: string[], name: string): Promise<EngineObject[]> => {
    const { stdout } = await execa("docker", [...args, ...filter, "--format", `{{.ID}} {{.${name}}}`]);
    const lines = stdout.split("\n").filter((line) => line !== "");
    return lines.map((line) => ({ kind, id: line.split(" ")[0] ?? "", name: line.split(" ")[1] ?? "" }));
  };
  return [
    ...(await list("container", ["ps", "--all"], "Names")),
    ...(await list("network", ["network", "ls"], "Name")),
  ];
}

/** Cleans up a stack if a killed run left it in the middle of a creation. */
export async function recover(stack: string, signal: AbortSignal): Promise<void> {
  const snapshot = await snapshotOf(stack, signal);
  if ((snapshot.pending_operations ?? []).length === 0) return;
  console.error("An earlier run was killed during a change; cleaning up first.");
  for (const { kind, id, name } of orphansOf(snapshot, await objectsOf(stack))) {
    console.error(`  removing the ${kind} ${name}, which that run was creating`);
    await execa("docker", kind === "container" ? ["rm", "--force", "--volumes", id] : ["network", "rm", id]);
  }
  const refresh = ["refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--non-interactive"];
  await pulumiAnswer([...refresh, "--suppress-outputs", "--stack", stack], signal);
}
