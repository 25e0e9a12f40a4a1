/** The resources of every stack, captured under mocks. */
import { readdirSync } from "node:fs";
import { type GraphNode, graphOf } from "../support/resource-graph.ts";
import { scratchModel } from "../support/scratch-model.ts";

/** Stacks that have a file. */
export const STACKS = readdirSync("stacks")
  .map((file) => /^Pulumi\.(?!test-)(.+)\.yaml$/.exec(file)?.[1])
  .filter((stack) => stack !== undefined);

/** Starts capturing the graphs of stacks, one program after the other: the mocks are the process's own. */
export function graphsOf(stacks: readonly string[]): (stack: string) => Promise<GraphNode[]> {
  const { model, scratch } = scratchModel();
  const graphs = new Map<string, Promise<GraphNode[]>>();
  let before: Promise<unknown> = Promise.resolve();
  for (const stack of stacks) {
    const graph = before.then(() => graphOf(stack, { model }, scratch));
    before = graph.catch(() => {});
    graphs.set(stack, graph);
  }
  return (stack) => graphs.get(stack) ?? Promise.reject(new Error(`No graph of ${stack} was asked for.`));
}
