/**
 * Measures how long the planner takes for a model of 405B: `plan` and `advise` as whole processes, in a separate project
 * whose lock file contains the model, and how the time of the planner alone grows with devices and layers.
 */

import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { parseCluster } from "../config/parse.ts";
import type { ClusterConfig } from "../config/schema/index.ts";
import { search } from "../plan/advise/search.ts";
import { findMachineType, machineTypes } from "../plan/catalog/index.ts";
import { resolve } from "../plan/hosts/resolve.ts";
import { planCluster } from "../plan/index.ts";
import { keepModel } from "../plan/model/lock.ts";
import { place } from "../plan/placement/index.ts";
import { median, writeSection } from "./results.ts";
import { PUBLISHED, publishedHeader, publishedModel } from "./support/published-cluster.ts";

const SCRIPT = "node bench/planner.ts";
const REPEATS = 5;
const DEVICES = [2, 4, 8, 15];
const LAYERS = [32, 80, 126, 160];
/** This file does not exist. The commands read everything from the lock file. */
const SOURCE = "hf:published/llama-3.1-405b/Llama-3.1-405B_Q4_0.gguf";
const STACK = "big";
/** Longest times of the commands in seconds (issue 4). */
const GOALS = { plan: 1, advise: 3 } as const;
/** Machines without GPUs. For each number of devices the plan takes the smallest machines that hold the model. */
const FAMILY = "r8g";

/** Measures, and writes its sections of the results. */
export async function benchPlanner(root: string): Promise<void> {
  await benchCommands(root);
  benchGrowth(root);
}

async function benchCommands(root: string): Promise<void> {
  const project = scratchProject(root);
  try {
    const commands: [name: string, goal: number, program: string, args: string[]][] = [
      [`\`node cli/main.ts plan -s ${STACK}\``, GOALS.plan, process.execPath, ["cli/main.ts", "plan", "-s", STACK]],
      ["`node cli/main.ts advise <model>`", GOALS.advise, process.execPath, ["cli/main.ts", "advise", SOURCE]],
      [`\`npm run plan -- -s ${STACK}\``, GOALS.plan, "npm", ["run", "--silent", "plan", "--", "-s", STACK]],
      ["`npm run advise -- <model>`", GOALS.advise, "npm", ["run", "--silent", "advise", "--", SOURCE]],
    ];
    const rows: string[] = [];
    for (const [name, goal, program, args] of commands) {
      const seconds: number[] = [];
      for (let repeat = 0; repeat < REPEATS; repeat++) {
        const began = performance.now();
        await execa(program, args, { cwd: project });
        seconds.push((performance.now() - began) / 1000);
      }
      rows.push(
        `| ${name} | ${Math.min(...seconds).toFixed(2)} | ${median(seconds).toFixed(2)} | ${goal.toFixed(1)} |`,
      );
      console.log(rows.at(-1));
    }
    const body = [
      `Whole processes, Node's own start included; ${REPEATS} runs each, in seconds. The model is Llama 3.1 405B Q4_0 from the lock`,
      `file, the stack ${PUBLISHED.machine} × 2; \`advise\` looks at all ${machineTypes().length} types of the catalog.`,
      "",
      "| | least | median | goal |",
      "|---|---|---|---|",
      ...rows,
    ];
    writeSection(root, "Planner: whole commands", SCRIPT, body.join("\n"));
  } finally {
    rmSync(project, { recursive: true });
  }
}

/** A copy of the planner and its commands with another stack and another lock file. */
function scratchProject(root: string): string {
  const project = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-planner-"));
  for (const name of ["cli", "config", "plan", "report", "setup", "package.json", "package-lock.json", "Pulumi.yaml"]) {
    cpSync(join(root, name), join(project, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(project, "node_modules"));
  mkdirSync(join(project, "stacks"));
  const bytes = publishedModel().fileBytes;
  keepModel(SOURCE, project, {
    header: publishedHeader(),
    parts: [{ file: null, fileName: SOURCE, bytes, headerSha256: "0".repeat(64), tag: null }],
  });
  const keyed = Object.entries(configuration(PUBLISHED.machine, 2)).map(([key, value]) => [
    `llama-rpc-cluster:${key}`,
    value,
  ]);
  writeFileSync(join(project, "stacks", `Pulumi.${STACK}.yaml`), JSON.stringify({ config: Object.fromEntries(keyed) }));
  return project;
}

function benchGrowth(root: string): void {
  const plans = DEVICES.map((devices) => {
    const cells = LAYERS.map((layers) => {
      const config = smallestThatHolds(devices, layers);
      return milliseconds(layers, (facts) => planCluster(config, facts, { stack: STACK }));
    });
    return `| plan, ${devices} devices | ${cells.join(" | ")} |`;
  });
  const base = parseCluster(configuration("c8g.large", 1), "plan");
  const found = LAYERS.map((layers) =>
    milliseconds(layers, (facts) => search(facts, { base, spot: false, minTokensPerSecond: null })),
  );
  const rows = [...plans, `| advise, all types | ${found.join(" | ")} |`];
  for (const row of rows) console.log(row);
  const body = [
    `The planner alone, without reading the model, in milliseconds: medians of ${REPEATS} runs, each with new facts, so that no`,
    "cache helps. The model has layers like those of Llama 3.1 405B Q4_0; the devices are the smallest machines of",
    `family ${FAMILY} that hold it.`,
    "",
    `| | ${LAYERS.map((layers) => `${layers} layers`).join(" | ")} |`,
    `|---|${LAYERS.map(() => "---|").join("")}`,
    ...rows,
  ];
  writeSection(root, "Planner: growth with devices and layers", SCRIPT, body.join("\n"));
}

function smallestThatHolds(devices: number, layers: number): ClusterConfig {
  const facts = publishedModel(layers);
  const types = machineTypes()
    .filter(({ family }) => family === FAMILY)
    .sort((a, b) => a.memoryMib - b.memoryMib);
  const configs = types.map(({ name }) => parseCluster(configuration(name, devices), "plan"));
  const config = configs.find((candidate) => place(resolve(candidate), facts)?.fits === true);
  if (config === undefined)
    throw new Error(`${devices} machines of ${FAMILY} don't hold ${layers} layers: choose another family`);
  return config;
}

function milliseconds(layers: number, work: (facts: ReturnType<typeof publishedModel>) => unknown): string {
  const times = Array.from({ length: REPEATS }, () => {
    const facts = publishedModel(layers);
    const began = performance.now();
    work(facts);
    return performance.now() - began;
  });
  return median(times).toFixed(1);
}

function configuration(machine: string, count: number): Record<string, unknown> {
  if (findMachineType(machine) === undefined) throw new Error(`${machine} is not in the catalog: name another one`);
  return {
    target: "aws",
    aws: { region: "us-east-1" },
    model: { source: SOURCE },
    front: { machine: "c8gn.xlarge" },
    backends: [{ name: "cpu", machine, count }],
  };
}

if (import.meta.main) await benchPlanner(process.cwd());
