import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { textOf, workflows } from "./files.ts";

interface Step {
  run?: string;
  uses?: string;
  with?: Record<string, unknown>;
}

interface Workflow {
  permissions?: unknown;
  concurrency?: unknown;
  jobs: Record<string, { permissions?: unknown; "timeout-minutes"?: unknown; steps?: Step[] }>;
}

const workflowOf = (file: string): Workflow => parse(textOf(file)) as Workflow;

describe.each(workflows())("%s", (file) => {
  test("pins every action by the full hash of a commit and names its version", () => {
    const loose = textOf(file)
      .split("\n")
      .filter(
        (line) => /^\s*-?\s*uses:/.test(line) && !/uses: (\.\/|[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)/.test(line),
      );
    expect(loose, "write `uses: owner/action@<40 hex digits> # v1.2.3`: a tag can be moved, a hash can't").toEqual([]);
  });

  test("starts from no permission at all and gives each job what it needs", () => {
    const workflow = workflowOf(file);
    expect(workflow.permissions, "write `permissions: {}` at the top").toEqual({});
    const silent = Object.entries(workflow.jobs).filter(([, job]) => job.permissions === undefined);
    expect(
      silent.map(([name]) => name),
      "give these jobs their own `permissions:`",
    ).toEqual([]);
  });

  test("never runs twice at once, nor for ever", () => {
    const workflow = workflowOf(file);
    expect(workflow.concurrency, "add `concurrency:` so that two runs do not fight").toBeDefined();
    const endless = Object.entries(workflow.jobs).filter(([, job]) => job["timeout-minutes"] === undefined);
    expect(
      endless.map(([name]) => name),
      "give these jobs `timeout-minutes:`",
    ).toEqual([]);
  });

  test("pastes no expression into a shell script", () => {
    const steps = Object.values(workflowOf(file).jobs).flatMap((job) => job.steps ?? []);
    const pasted = steps.filter((step) => step.run?.includes("${{")).map((step) => step.run);
    expect(pasted, "hand values over by `env:`; an expression in `run:` is executed, not quoted").toEqual([]);
  });

  test("leaves no token in the checkout", () => {
    const steps = Object.values(workflowOf(file).jobs).flatMap((job) => job.steps ?? []);
    const kept = steps.filter(
      (step) => step.uses?.startsWith("actions/checkout@") && step.with?.["persist-credentials"] !== false,
    );
    expect(kept, "add `persist-credentials: false` to actions/checkout").toEqual([]);
  });
});
