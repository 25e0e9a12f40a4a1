import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import {
  configurationReference,
  projectConfigYaml,
  projectKeys,
  REFERENCE_COMMAND,
  REFERENCE_FILE,
} from "../../config/reference.ts";

const projectRoot = join(import.meta.dirname, "../..");

test("the configuration reference is what the schema says", () => {
  const written = readFileSync(join(projectRoot, REFERENCE_FILE), "utf8");
  expect(written, `${REFERENCE_FILE} is stale: run \`${REFERENCE_COMMAND}\` and commit it`).toBe(
    configurationReference(),
  );
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
