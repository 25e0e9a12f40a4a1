import { execa } from "execa";
import { expect, test } from "vitest";
import { root } from "./files.ts";

const MINUTES_2 = 120_000;

test("the TypeScript compiler finds no mistake", { timeout: MINUTES_2 }, async () => {
  const result = await execa("tsc", ["--noEmit"], { cwd: root, preferLocal: true, reject: false, all: true });
  expect(result.exitCode, `\n${result.all}\nRun \`npx tsc --noEmit\` and mend what it names.`).toBe(0);
});

test("biome finds no unformatted file and no doubtful code", { timeout: MINUTES_2 }, async () => {
  const args = ["ci", "--colors=off", "--diagnostic-level=warn"];
  const result = await execa("biome", args, { cwd: root, preferLocal: true, reject: false, all: true });
  expect(result.exitCode, `\n${result.all}\nRun \`npx biome check --write\` and mend the rest by hand.`).toBe(0);
});
