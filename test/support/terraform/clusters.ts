/** Clusters side by side in one Terraform root: captured under mocks, translated, put on a double of AWS. */

import { vi } from "vitest";
import { type GraphNode, graphOfSections } from "../resource-graph.ts";
import type { PlannedChange, RootModule } from "./runner.ts";
import type { ProviderSchema } from "./schema.ts";
import { literals } from "./surroundings.ts";
import { translate } from "./translate.ts";

/** A configuration to try. */
export interface Cluster {
  stack: string;
  sections: Record<string, unknown>;
}

/** A cluster's graph, and the module that it became. */
export interface Translated extends RootModule {
  graph: readonly GraphNode[];
}

/** Captures and translates clusters, one after the other: the mocks are the process's own. Previews are not printed. */
export async function translated(
  clusters: readonly Cluster[],
  schema: ProviderSchema,
  scratch: string,
): Promise<Translated[]> {
  const quiet = vi.spyOn(console, "log").mockImplementation(() => {});
  const modules: Translated[] = [];
  try {
    for (const { stack, sections } of clusters) {
      const graph = await graphOfSections(stack, sections, scratch);
      const { region } = sections["aws"] as { region: string };
      modules.push({ name: stack, region, graph, module: translate(graph, schema, literals) });
    }
  } finally {
    quiet.mockRestore();
  }
  return modules;
}

/** What a plan does to one cluster: `<verb> <Pulumi type> <name>`, sorted, by verb and short type. */
export function actionsOn(changes: readonly PlannedChange[], cluster: Translated, before: Translated): string[] {
  const prefix = `module.${cluster.name}.`;
  return changes
    .filter(({ address }) => address.startsWith(prefix))
    .map(({ address, actions }) => {
      const own = address.slice(prefix.length);
      const origin = cluster.module.origins.get(own) ?? before.module.origins.get(own) ?? own;
      const [type = "", name = ""] = origin.split(" ");
      return `${verb(actions)} ${type.split(":").at(-1)} ${name}`;
    })
    .sort();
}

function verb(actions: PlannedChange["actions"]): string {
  return actions.length > 1 ? "replace" : (actions[0] ?? "no-op");
}

/** What a plan changes, for a failure's message: addresses with the values before and after. */
export function differences(changes: readonly PlannedChange[]): string {
  return changes
    .map(({ address, actions, before, after }) => {
      const keys = Object.keys(after ?? {}).filter((key) => text(before?.[key]) !== text(after?.[key]));
      const lines = keys.map((key) => `    ${key}: ${text(before?.[key])} -> ${text(after?.[key])}`);
      return [`  ${actions.join("+")} ${address}`, ...lines].join("\n");
    })
    .join("\n");
}

const MOST_CHARACTERS = 300;
const text = (value: unknown) => JSON.stringify(value ?? null).slice(0, MOST_CHARACTERS);
