import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { violationsOf } from "../../policies/check.ts";
import { RULES } from "../../policies/rules/index.ts";
import { WITHOUT_TAGS } from "../../policies/rules/ownership.ts";
import { tableOf } from "../../policies/table.ts";
import { CASES } from "./cases/index.ts";

test("docs/policies.md has the rules as they are", () => {
  const table = tableOf(RULES);
  const remedy = `replace the table there by this one:\n${table}\n`;
  expect(readFileSync("docs/policies.md", "utf8").includes(`\n${table}\n`), remedy).toBe(true);
});

test("no two rules have one name", () => {
  const names = RULES.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test("every case is about a rule that there is", () => {
  const names = new Set(RULES.map(({ name }) => name));
  expect(CASES.filter(({ rule }) => !names.has(rule)).map(({ rule }) => rule)).toEqual([]);
});

test.each([...WITHOUT_TAGS])("%s really takes no tags", (type) => {
  const declaration = `node_modules/@pulumi/aws/${type.split(":")[1]}.d.ts`;
  expect(existsSync(declaration), `${declaration} is not there: correct or remove the type in policies/rules/`).toBe(
    true,
  );
  const takesTags = /^\s+tags\?: pulumi\.Input/m.test(readFileSync(declaration, "utf8"));
  expect(takesTags, "it does: remove it from policies/rules/ownership.ts").toBe(false);
});

describe.each(RULES)("$name", (rule) => {
  const cases = CASES.filter((one) => one.rule === rule.name);

  test("has a case that keeps it and one that breaks it", () => {
    expect(
      cases.some(({ broken }) => broken.length === 0),
      "add one to test/policies/cases/",
    ).toBe(true);
    expect(
      cases.some(({ broken }) => broken.length > 0),
      "add one to test/policies/cases/",
    ).toBe(true);
  });

  test.each(cases.filter(({ broken }) => broken.length === 0))("is kept when $title", ({ resources }) => {
    expect(found(rule.name, resources)).toEqual([]);
  });

  test.each(cases.filter(({ broken }) => broken.length > 0))("is broken when $title", ({ resources, broken }) => {
    expect(found(rule.name, resources).sort()).toEqual([...broken].sort());
  });

  test("says resource, place, rule and remedy in one line", () => {
    const [broken] = cases.filter((one) => one.broken.length > 0);
    const [violation] = violationsOf(broken?.resources ?? [], [rule]);
    expect(violation?.message).toContain(violation?.resource);
    expect(violation?.message).toContain(violation?.path);
    expect(violation?.message).toContain(rule.must);
    expect(violation?.message).toContain(rule.remedy);
    expect(violation?.message).not.toContain("\n");
  });
});

/** Where a rule is broken, as cases write it. */
function found(rule: string, resources: Parameters<typeof violationsOf>[0]): string[] {
  return violationsOf(resources)
    .filter((violation) => violation.rule === rule)
    .map(({ resource, path }) => `${resource.split(" ").at(-1)} ${path}`);
}
