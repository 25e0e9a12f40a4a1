import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { parseCluster } from "../../config/parse.ts";
import {
  configurationReference,
  projectConfigYaml,
  projectKeys,
  REFERENCE_COMMAND,
  REFERENCE_FILE,
} from "../../config/reference.ts";

import { PROJECT_NAME } from "../../config/stack.ts";

const projectRoot = join(import.meta.dirname, "../..");

test("the configuration reference is what the schema says", () => {
  const written = readFileSync(join(projectRoot, REFERENCE_FILE), "utf8");
  expect(written, `${REFERENCE_FILE} is stale: run \`${REFERENCE_COMMAND}\` and commit it`).toBe(
    configurationReference(),
  );
});

test("every example of the reference is a configuration that can be planned, one for each target", () => {
  const examples = [...configurationReference().matchAll(/```yaml\n(.*?)```/gs)].map((match) => {
    const { config } = parse(match[1] ?? "") as { config: Record<string, unknown> };
    const keys = Object.entries(config).map(([key, value]) => [key.replace(`${PROJECT_NAME}:`, ""), value]);
    return parseCluster(Object.fromEntries(keys), "plan");
  });
  expect(examples.map(({ target }) => target)).toEqual(["docker", "aws"]);
});

test("every line of the reference's tables says values, default and meaning", () => {
  const rows = configurationReference()
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  expect(rows.length).toBeGreaterThan(25);
  for (const row of rows) {
    const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
    expect(cells, row).toHaveLength(6);
    expect(
      cells.slice(1, 5).every((cell) => cell !== ""),
      `${row}: describe the field and register its notes`,
    ).toBe(true);
  }
});

test("Pulumi.yaml describes every key of the project as the schema does", () => {
  const project: unknown = parse(readFileSync(join(projectRoot, "Pulumi.yaml"), "utf8"));
  expect(project, `paste this into Pulumi.yaml:\n${projectConfigYaml()}`).toMatchObject({ config: projectKeys() });
});
