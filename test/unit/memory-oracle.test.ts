import { describe, expect, test } from "vitest";
import { oracleCases, oracleModels, plannedMemory, readGolden, strayings } from "../oracle/golden.ts";

const golden = readGolden();

test("the oracle has at least 120 cases over at least 12 models, ten of them of different architectures", () => {
  expect(oracleCases().length).toBeGreaterThanOrEqual(120);
  expect(oracleModels().length).toBeGreaterThanOrEqual(12);
  expect(new Set(oracleModels().map(({ facts }) => facts.architecture)).size).toBeGreaterThanOrEqual(10);
  expect(oracleModels().filter(({ facts }) => !facts.architectureKnown)).toEqual([]);
});

describe.each(oracleModels().map(({ name }) => name))("the memory of %s is what llama.cpp reported with", (name) => {
  const cases = oracleCases().filter(({ model }) => model.name === name);
  test.each(cases.map((one) => [one.setting.name, one] as const))("%s", (settingName, one) => {
    const measured = golden[name]?.[settingName];
    expect(measured, "run `ORACLE=record npx vitest run --project oracle` to measure this case").toBeDefined();
    const sizes = measured === undefined ? [] : [...measured.devices, measured.front];
    const found = plannedMemory(one).flatMap((plan, device) =>
      strayings(plan, sizes[device] ?? [0, 0, 0]).map((line) => `device ${device}: ${line}`),
    );
    expect(found, "mend the formula in plan/memory, not the tolerance").toEqual([]);
  });
});
