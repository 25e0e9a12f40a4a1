/**
 * Measures how long the program of a cluster on EC2 takes to construct its resource graph, without the engine, and how the
 * time grows with the backends: `node bench/graph.ts`. The baseline is the same program with one backend, in the same
 * rounds.
 */

import { join } from "node:path";
import { execa } from "execa";
import { median, writeSection } from "./results.ts";

const SCRIPT = "node bench/graph.ts";
const ROUNDS = 5;
const BACKENDS = [1, 4, 8, 15];
/** Longest time of the program with 15 backends, including loading (issue 5). */
const GOAL_SECONDS = 2;

interface Run {
  resources: number;
  loadSeconds: number;
  buildSeconds: number;
}

/** Measures, and writes its section of the results. */
export async function benchGraph(root: string): Promise<void> {
  const runs = new Map<number, Run[]>(BACKENDS.map((count) => [count, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [count, kept] of runs) {
      const { stdout } = await execa(process.execPath, [join("bench", "graph-once.ts"), String(count)], { cwd: root });
      kept.push(JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as Run);
    }
  }
  const total = (run: Run) => run.loadSeconds + run.buildSeconds;
  const baseline = median((runs.get(1) ?? []).map(total));
  const rows = [...runs].map(([count, kept]) => {
    const seconds = median(kept.map(total));
    return `| ${count} | ${kept[0]?.resources} | ${median(kept.map(({ loadSeconds }) => loadSeconds)).toFixed(2)} | ${median(kept.map(({ buildSeconds }) => buildSeconds)).toFixed(2)} | ${seconds.toFixed(2)} | ${(seconds / baseline).toFixed(2)} |`;
  });
  const body = [
    `Medians of ${ROUNDS} processes each, in seconds, under mocks; the goal for 15 backends is ${GOAL_SECONDS} s in all.`,
    "",
    "| backends | resources | loading the SDKs | constructing | in all | to one backend |",
    "|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
  console.log(body);
  writeSection(root, "Resource graph of a cluster on EC2", SCRIPT, body);
}

if (import.meta.main) await benchGraph(process.cwd());
