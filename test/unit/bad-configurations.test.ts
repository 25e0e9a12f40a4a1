import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { configurationWith } from "../../bench/support/configurations.ts";
import { parseCluster } from "../../config/parse.ts";
import { ConfigError, describeProblem } from "../../config/problems.ts";

const caseSchema = z.strictObject({
  name: z.string(),
  use: z.enum(["cluster", "plan"]).default("cluster"),
  values: z.record(z.string(), z.unknown()).optional(),
  answer: z.string(),
});

type Case = z.output<typeof caseSchema>;
const cases = z
  .array(caseSchema)
  .parse(parse(readFileSync(join(import.meta.dirname, "bad-configurations.yaml"), "utf8")));

function problemsOf({ values, use }: Case) {
  try {
    parseCluster(values === undefined ? {} : configurationWith(values), use);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test("the table holds at least 40 wrong configurations, each once", () => {
  expect(cases.length).toBeGreaterThanOrEqual(40);
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
});

test.each(cases)("$name is refused in one message", (wrong) => {
  const told = problemsOf(wrong)
    .map((problem) => `${describeProblem(problem)}\n`)
    .join("");
  expect(told, "if the new message is better, write it into test/unit/bad-configurations.yaml").toBe(wrong.answer);
});

test.each(cases)("the answer to $name says in one sentence what to do", (wrong) => {
  for (const { remedy, rule, path } of problemsOf(wrong)) {
    expect(remedy, `remedy of ${path}: end it with a full stop or a question mark`).toMatch(/^[A-Z].*[.?]$/s);
    expect(rule, `rule of ${path}: begin it with a verb, it follows "it"`).toMatch(/^(must|is not) /);
  }
});
