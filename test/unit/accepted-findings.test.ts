import { describe, expect, test } from "vitest";
import { disagreements } from "../support/accepted-findings.ts";

const entries = [
  { tool: "checkov", rule: "CKV_1", where: "aws-*/registry-*", reason: "long enough to be a reason" },
  { tool: "checkov", rule: "CKV_2", where: "images/cpu.Dockerfile", reason: "long enough to be a reason" },
];
const judge = (...found: [rule: string, where: string][]) =>
  disagreements(
    "checkov",
    found.map(([rule, where]) => ({ rule, where, what: "something" })),
    { entries },
  );

describe("the list of accepted findings", () => {
  test("is content with exactly what it accepts", () => {
    expect(judge(["CKV_1", "aws-dev/registry-cpu"], ["CKV_2", "images/cpu.Dockerfile"])).toEqual([]);
  });

  test("names a finding that no entry accepts, at another place as well as by another rule", () => {
    const both: [string, string][] = [
      ["CKV_1", "aws-dev/registry-cpu"],
      ["CKV_2", "images/cpu.Dockerfile"],
    ];
    expect(judge(...both, ["CKV_2", "images/cuda.Dockerfile"])).toEqual([
      expect.stringMatching(/^images\/cuda\.Dockerfile: CKV_2: something .*mend it/),
    ]);
    expect(judge(...both, ["CKV_3", "aws-dev/registry-cpu"])).toHaveLength(1);
  });

  test("names an entry that nothing is found for any more", () => {
    expect(judge(["CKV_2", "images/cpu.Dockerfile"])).toEqual([
      expect.stringMatching(/CKV_1 at aws-\*\/registry-\*.*remove it/),
    ]);
  });

  test("calls nothing stale that this run did not look at, and nothing of another tool's", () => {
    expect(disagreements("checkov", [], { entries, covers: (where) => !where.startsWith("aws-") })).toHaveLength(1);
    expect(disagreements("hadolint", [], { entries })).toEqual([]);
  });

  test("refuses an entry without a reason", () => {
    const hasty = [{ tool: "checkov", rule: "CKV_1", where: "*", reason: "" }];
    expect(() => disagreements("checkov", [], { entries: hasty })).toThrow(/reason/);
  });
});
