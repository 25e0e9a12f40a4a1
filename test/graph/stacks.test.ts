import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { graphText } from "../support/graph-text.ts";
import { type GraphNode, graphOf, inputOf, sectionsOf } from "../support/resource-graph.ts";
import { scratchModel } from "../support/scratch-model.ts";

const STACKS = readdirSync("stacks")
  .map((file) => /^Pulumi\.(?!test-)(.+)\.yaml$/.exec(file)?.[1])
  .filter((stack) => stack !== undefined);

const ON_DOCKER = STACKS.filter((stack) => (sectionsOf(stack)["target"] ?? "docker") === "docker");

const { model, scratch } = scratchModel();

const graphs = new Map<string, Promise<GraphNode[]>>();
for (const stack of STACKS)
  graphs.set(
    stack,
    (graphs.size === 0 ? Promise.resolve() : last()).then(() => graphOf(stack, { model }, scratch)),
  );

/** One program at a time: the mocks are the process's own. */
function last(): Promise<unknown> {
  return [...graphs.values()].at(-1) ?? Promise.resolve();
}

describe.each(STACKS)("the resource graph of stack %s", (stack) => {
  test("is the one that was reviewed (after a wanted change: npx vitest run --project graph -u)", async () => {
    await expect(graphText((await graphs.get(stack)) ?? [])).toMatchFileSnapshot(`golden/${stack}.json`);
  });
});

describe.each(ON_DOCKER)("the resource graph of stack %s on this machine", (stack) => {
  const nodes = async (type: string) => (await graphs.get(stack))?.filter((node) => node.type.endsWith(type)) ?? [];

  test("labels whatever the cluster creates with its stack and its role", async () => {
    for (const type of [":Container", ":Network", ":Volume"]) {
      for (const node of await nodes(type)) {
        const labels = inputOf<{ label: string; value: string }[]>(node, "labels");
        expect(labels, node.name).toContainEqual({ label: "llama-rpc-cluster/stack", value: stack });
        expect(
          labels.map(({ label }) => label),
          node.name,
        ).toContain("llama-rpc-cluster/role");
      }
    }
  });

  test("publishes no port but the front's, and that one on the loopback address", async () => {
    for (const node of await nodes(":Container")) {
      const ports = inputOf<{ ip: string }[] | undefined>(node, "ports") ?? [];
      expect(
        ports.map(({ ip }) => ip),
        node.name,
      ).toEqual(node.name === "cluster-front" ? ["127.0.0.1"] : []);
    }
  });

  test("puts a backend on the internal network alone", async () => {
    const internal = (await nodes(":Network")).filter((node) => inputOf(node, "internal") === true);
    const names = internal.map((node) => inputOf<string>(node, "name"));
    for (const node of await nodes(":Container")) {
      if (node.name === "cluster-front" || node.name === "cluster-api-key-holder") continue;
      const networks = inputOf<{ name: string }[]>(node, "networksAdvanced");
      expect(
        networks.map(({ name }) => name),
        node.name,
      ).toEqual(names);
    }
  });

  test("starts no container that can write to its root, keeps a capability or gains a privilege", async () => {
    for (const node of await nodes(":Container")) {
      if (inputOf(node, "start") === false) continue;
      expect(inputOf(node, "readOnly"), node.name).toBe(true);
      expect(inputOf(node, "capabilities"), node.name).toEqual({ drops: ["ALL"] });
      expect(inputOf(node, "securityOpts"), node.name).toContain("no-new-privileges");
      expect(inputOf(node, "memory"), node.name).toBe(inputOf(node, "memorySwap"));
    }
  });

  test("asks the engine for GPUs by their number, and for none where the plan gives none", async () => {
    for (const node of await nodes(":Container")) {
      const wanted = node.name.startsWith("cluster-gpu-")
        ? [{ driver: "nvidia", capabilities: ["gpu"], count: -1 }]
        : undefined;
      expect(inputOf(node, "deviceRequests"), node.name).toEqual(wanted);
    }
  });

  test("runs images by their id, never by a name that could mean another one tomorrow", async () => {
    for (const node of await nodes(":Container"))
      expect(inputOf(node, "image"), node.name).toMatch(/^@@.+\.imageId@@$/);
  });
});
