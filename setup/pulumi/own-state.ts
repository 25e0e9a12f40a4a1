/** Whether the state inside the project holds resources that no other backend knows. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import * as z from "zod";
import { jsonAnswer } from "../answer.ts";
import type { ProjectPaths } from "../paths.ts";

const stateSchema = z.object({
  checkpoint: z
    .object({
      latest: z
        .object({
          resources: z.array(z.object({ type: z.string().default("") })).nullish(),
          pending_operations: z.array(z.unknown()).nullish(),
        })
        .nullish(),
    })
    .optional(),
});

/** Whether a stack's state holds existing resources; true for a file that can't be read. */
export function holdsResources(text: string): boolean {
  try {
    const latest = jsonAnswer(text, stateSchema, "the state file").checkpoint?.latest;
    const real = (latest?.resources ?? []).filter(({ type }) => !/^pulumi:(pulumi:Stack|providers:)/.test(type));
    return real.length > 0 || (latest?.pending_operations ?? []).length > 0;
  } catch {
    return true;
  }
}

/** Whether a stack in the project's own state is up, even partly. */
export function ownStateHoldsResources(paths: ProjectPaths): boolean {
  const folder = join(paths.state, ".pulumi", "stacks");
  if (!existsSync(folder)) return false;
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.json(\.gz)?$/.test(name))
    .some((name) => {
      const content = readFileSync(join(folder, name));
      return holdsResources((name.endsWith(".gz") ? gunzipSync(content) : content).toString("utf8"));
    });
}
