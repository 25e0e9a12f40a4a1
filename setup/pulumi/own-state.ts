/** What the state inside the project knows: whether there is something in it that would be lost sight of. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { ProjectPaths } from "../paths.ts";

interface Checkpoint {
  checkpoint?: { latest?: { resources?: { type?: string }[]; pending_operations?: unknown[] } | null };
}

/** Whether a stack's state names anything that exists; a file that can't be read is taken to do so. */
export function holdsResources(text: string): boolean {
  try {
    const latest = (JSON.parse(text) as Checkpoint).checkpoint?.latest;
    const real = (latest?.resources ?? []).filter(({ type }) => !/^pulumi:(pulumi:Stack|providers:)/.test(type ?? ""));
    return real.length > 0 || (latest?.pending_operations ?? []).length > 0;
  } catch {
    return true;
  }
}

/** Whether a stack of the project's own state is up, even in part. */
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
