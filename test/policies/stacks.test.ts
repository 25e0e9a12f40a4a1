import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { violationsOf } from "../../policies/check.ts";
import { type GraphNode, graphOf } from "../support/resource-graph.ts";
import { scratchModel } from "../support/scratch-model.ts";

const STACKS = readdirSync("stacks")
  .map((file) => /^Pulumi\.(?!test-)(.+)\.yaml$/.exec(file)?.[1])
  .filter((stack) => stack !== undefined);

const { model, scratch } = scratchModel();

/** One program at a time: the mocks are the process's own. */
const graphs = new Map<string, Promise<GraphNode[]>>();
let before: Promise<unknown> = Promise.resolve();
for (const stack of STACKS) {
  const graph = before.then(() => graphOf(stack, { model }, scratch));
  before = graph.catch(() => {});
  graphs.set(stack, graph);
}

describe.each(STACKS)("stack %s", (stack) => {
  test("breaks no rule of the policy pack", async () => {
    const violations = violationsOf((await graphs.get(stack)) ?? []);
    expect(violations.map(({ rule, message }) => `${rule}: ${message}`)).toEqual([]);
  });
});
