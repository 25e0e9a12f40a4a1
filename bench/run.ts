import { execa } from "execa";
import { outputsOf } from "../cli/live/cluster.ts";
import { benchDecode } from "./decode.ts";
import { benchGraph } from "./graph.ts";
import { benchImages } from "./images.ts";
import { benchPlanner } from "./planner.ts";
import { median, writeSection } from "./results.ts";

const STACK = "local";
const REPEATS = 5;

/** Measures the running cluster of stack `local`, writes `bench/RESULTS.md` and returns the exit code. */
async function main(root: string): Promise<number> {
  const outputs = await outputsOf(STACK);
  if (!outputs) {
    console.error(`Stack ${STACK} has no running cluster to measure: run \`npm start\` first.`);
    return 1;
  }
  const cluster = { ...outputs, stack: STACK };
  await benchDecode(root, cluster);
  await benchImages(root, cluster);
  await benchCommands(root);
  await benchPlanner(root);
  await benchGraph(root);
  return 0;
}

/** Measures the time of commands that change nothing. */
async function benchCommands(root: string): Promise<void> {
  const commands: [name: string, command: string, args: string[]][] = [
    ["`pulumi preview -s local`, nothing to change", "pulumi", ["preview", "--stack", STACK, "--expect-no-changes"]],
    ["`npm run plan -- -s local`", "npm", ["run", "--silent", "plan", "--", "-s", STACK]],
    ["`npm start` again, nothing to change", "npm", ["start"]],
  ];
  const rows: string[] = [];
  for (const [name, command, args] of commands) {
    const seconds: number[] = [];
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      const began = performance.now();
      await execa(command, args, { cwd: root });
      seconds.push((performance.now() - began) / 1000);
    }
    rows.push(`| ${name} | ${Math.min(...seconds).toFixed(2)} | ${median(seconds).toFixed(2)} |`);
    console.log(rows.at(-1));
  }
  const body = [`${REPEATS} runs each, in seconds.`, "", "| | least | median |", "|---|---|---|", ...rows].join("\n");
  writeSection(root, "Commands that change nothing", "npm run bench", body);
}

process.exitCode = await main(process.cwd());
