/** Applies a finding's remedy to a configuration. */

import type { ClusterConfig } from "../../config/schema/index.ts";

/** One value of the configuration to set: `backends[0].memory` to `"3 GiB"`, the whole front, or all pools. */
export interface ConfigChange {
  path: string;
  value: string | number | Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[];
}

/** A copy of the configuration with one value set; the path must exist. */
export function applyChange(config: ClusterConfig, { path, value }: ConfigChange): ClusterConfig {
  const copy = structuredClone(config);
  const steps = path.split(/[.[\]]+/).filter((step) => step !== "");
  const last = steps.pop();
  let place: unknown = copy;
  for (const step of steps) place = isContainer(place) ? place[step] : undefined;
  if (!isContainer(place) || last === undefined) throw new Error(`the configuration has nothing at ${path}`);
  place[last] = value;
  return copy;
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
