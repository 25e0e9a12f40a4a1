import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { vi } from "vitest";
import { parse } from "yaml";

/** One resource as a program registers it. */
export interface GraphNode {
  type: string;
  name: string;
  inputs: unknown;
}

const SECRET = "4dabf18193072939515e22adb298388d";
/** The tag's digest follows every edit in `images/`, which git shows already. */
const IMAGE_TAG = /^(llama-rpc-cluster\/[\w-]+:)[0-9a-f]{12}$/;
const PREFIX = "llama-rpc-cluster:";

/**
 * Runs the whole program of a stack under mocks and returns what it registers, in an order of its own.
 * @param stack its file in `stacks/` is the configuration
 * @param overrides sections that replace those of the file (`model`), as the file would write them
 * @param scratch folder whose path is another one at every run
 */
export async function graphOf(
  stack: string,
  overrides: Record<string, unknown>,
  scratch: string,
): Promise<GraphNode[]> {
  const graph: GraphNode[] = [];
  vi.resetModules();
  // What this machine provides is not part of a stack.
  vi.doMock("../../config/machine.ts", () => ({ readMachine: () => ({}) }));
  vi.doMock("../../config/architecture.ts", () => ({ containerArchitecture: () => "amd64" }));
  pulumi.runtime.setAllConfig(configOf(stack, overrides));
  await pulumi.runtime.setMocks(
    {
      newResource: (resource) => {
        graph.push({ type: resource.type, name: resource.name, inputs: tidy(resource.inputs, scratch) });
        return { id: `${resource.name}-id`, state: answered(resource) };
      },
      call: (call) => {
        throw new Error(`No mock for the call ${call.token}: a preview must not ask a provider.`);
      },
    },
    "llama-rpc-cluster",
    stack,
    true,
  );
  await pulumi.runtime.runInPulumiStack(() => import("../../index.ts"));
  await pulumi.runtime.disconnect();
  return graph.sort((a, b) => `${a.type} ${a.name}`.localeCompare(`${b.type} ${b.name}`));
}

function configOf(stack: string, overrides: Record<string, unknown>): Record<string, string> {
  const file = parse(readFileSync(join("stacks", `Pulumi.${stack}.yaml`), "utf8")) as {
    config: Record<string, unknown>;
  };
  const written = Object.entries(overrides).map(([key, value]) => [`${PREFIX}${key}`, value]);
  const values = { ...file.config, ...Object.fromEntries(written) };
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

/** What a provider would compute, as a marker that shows in the graph who refers to whom. */
function answered(resource: pulumi.runtime.MockResourceArgs): Record<string, unknown> {
  const computed: Record<string, Record<string, unknown>> = {
    "docker-build:index:Image": { digest: `@@${resource.name}.digest@@`, ref: `@@${resource.name}.ref@@` },
    "docker:index/remoteImage:RemoteImage": { imageId: `@@${resource.name}.imageId@@` },
    "pulumi:index:Stash": { output: resource.inputs["input"] },
  };
  return { ...resource.inputs, ...computed[resource.type] };
}

/** Random and machine-bound values would make every run another graph; secrets do not belong into a file. */
function tidy(value: unknown, scratch: string): unknown {
  if (Array.isArray(value)) return value.map((inner) => tidy(inner, scratch));
  if (typeof value === "string")
    return value
      .replaceAll(process.cwd(), "<project>")
      .replaceAll(scratch, "<scratch>")
      .replace(IMAGE_TAG, "$1<content>");
  if (typeof value !== "object" || value === null) return value;
  if (SECRET in value) return "<secret>";
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([key, inner]) => [key, tidy(inner, scratch)]),
  );
}

/** One input of a resource, as the test knows it to be. */
export const inputOf = <T = unknown>(node: GraphNode, name: string) =>
  (node.inputs as Record<string, unknown>)[name] as T;
