/**
 * Measures again what the golden table holds: all of it in three minutes on two cores. `ORACLE=sample` takes every
 * seventh case, others each day; `ORACLE=record` writes the table anew.
 */

import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { images, model as smallModel } from "../image/images.ts";
import { argumentsOf } from "./cases.ts";
import { GOLDEN_FILE, goldenOf, type OracleCase, oracleCases, plannedMemory, readGolden } from "./golden.ts";
import { Oracle } from "./measure.ts";
import { writeModel } from "./models.ts";

const DAY_MS = 86_400_000;
const SAMPLE = 7;

const golden = readGolden();
const mode = process.env["ORACLE"] ?? "all";
const today = Math.floor(Date.now() / DAY_MS);

const isAtHand = ({ model }: OracleCase) =>
  model.madeUp !== null || existsSync(join(smallModel.folder, model.fileName));
/** All weights and buffers, on the one machine that the oracle runs on, and room to spare. */
const isRoomFor = (one: OracleCase) =>
  freemem() > 1.2 * plannedMemory(one).reduce((sum, { totalBytes }) => sum + totalBytes, 0) + one.model.facts.fileBytes;
const cases = oracleCases()
  .filter((_, index) => mode !== "sample" || (index + today) % SAMPLE === 0)
  .filter(isAtHand)
  .filter((one) => {
    const fits = isRoomFor(one);
    if (!fits) console.warn(`The oracle leaves out ${one.model.name}: too little free memory for it.`);
    return fits;
  });

const inspected = await execa("docker", ["image", "inspect", images.server], { reject: false });
const missing = inspected.exitCode === 0 ? undefined : `no image ${images.server}: run \`npm run test:images\` once`;
if (missing !== undefined) console.warn(`The oracle is skipped: ${missing}.`);

describe.skipIf(missing !== undefined)("llama.cpp still reports the sizes of the golden table for", () => {
  const folder = mkdtempSync(join(tmpdir(), "oracle-"));
  const measured = new Map<OracleCase, ReturnType<typeof goldenOf>>();
  let oracle: Oracle | undefined;

  beforeAll(async () => {
    // The image's user is not this one.
    chmodSync(folder, 0o755);
    for (const { madeUp } of new Set(cases.map(({ model }) => model))) if (madeUp) writeModel(madeUp, folder);
    oracle = await Oracle.start([folder, smallModel.folder]);
  });

  afterAll(async () => {
    await oracle?.stop();
    rmSync(folder, { recursive: true });
    if (mode === "record") record(measured);
  });

  test.each(cases.map((one) => [one.model.name, one.setting.name, one] as const))("%s with %s", async (_, __, one) => {
    const path = `${one.model.madeUp === null ? 1 : 0}/${one.model.fileName}`;
    const sizes = await oracle?.measure(path, one.setting.shares.length, argumentsOf(one.setting, one.model.layers));
    if (sizes === undefined) throw new Error("the oracle did not start");
    measured.set(one, goldenOf(sizes));
    if (mode === "record") return;
    const why = "llama.cpp changed: run with ORACLE=record, look at the difference, and mend plan/memory";
    expect(goldenOf(sizes), why).toEqual(golden[one.model.name]?.[one.setting.name]);
  });
});

/** Writes the table with what was measured, one case a line. */
function record(measured: ReadonlyMap<OracleCase, ReturnType<typeof goldenOf>>): void {
  const all: Record<string, Record<string, unknown>> = structuredClone(golden);
  for (const [{ model, setting }, sizes] of measured) all[model.name] = { ...all[model.name], [setting.name]: sizes };
  const models = Object.entries(all).map(([name, rows]) => {
    const lines = Object.entries(rows).map(
      ([setting, sizes]) => `    ${JSON.stringify(setting)}: ${JSON.stringify(sizes)}`,
    );
    return `  ${JSON.stringify(name)}: {\n${lines.join(",\n")}\n  }`;
  });
  writeFileSync(GOLDEN_FILE, `{\n${models.join(",\n")}\n}\n`);
}
