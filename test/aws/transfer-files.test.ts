import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fingerprint, modelFiles } from "../../aws/transfer/model-files.ts";
import { progressText } from "../../aws/transfer/progress.ts";
import { modelFile, splitModelFiles } from "../../bench/support/models.ts";
import { MIB } from "../../config/units.ts";
import { keepModel } from "../../plan/model/lock.ts";
import { readModel } from "../../plan/model/sources.ts";

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "llama-rpc-files-"));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Keeps a model in the lock file as if it had been read from somewhere. */
async function keep(source: string, tag: string | null): Promise<void> {
  writeFileSync(join(root, "m.gguf"), modelFile({ layers: 2 }));
  const read = await readModel("m.gguf", { projectRoot: root });
  keepModel(source, root, { ...read, parts: read.parts.map((part) => ({ ...part, file: null, tag })) });
}

test("a local model's files are named, measured and told apart by what is in them", async () => {
  const parts = [...splitModelFiles({ layers: 4 }, 2)];
  for (const [name, content] of parts) writeFileSync(join(root, name), content);
  const files = await modelFiles(parts[0]?.[0] ?? "", root);
  expect(files.map(({ key, bytes, place }) => ({ key, bytes, place }))).toEqual(
    parts.map(([name, content]) => ({
      key: `models/${name}`,
      bytes: content.length,
      place: { kind: "local", path: join(root, name) },
    })),
  );
  expect(new Set(files.map(({ identity }) => identity)).size).toBe(2);
});

test("a tag of Hugging Face that is a SHA-256 goes with its file, another server's does not", async () => {
  const digits = "ab".repeat(32);
  await keep("hf:o/r/m.gguf", `"${digits}"`);
  await keep("https://example.com/a/m.gguf", `"${digits}"`);
  const [hub] = await modelFiles("hf:o/r/m.gguf", root);
  expect(hub?.place).toEqual({ kind: "remote", source: "hf:o/r/m.gguf", sha256: null, tag: digits });
  const [other] = await modelFiles("https://example.com/a/m.gguf", root);
  expect(other?.place).toMatchObject({ tag: null, sha256: null });
});

test("a SHA-256 that the stack file gives goes with its file, and makes it another one", async () => {
  await keep("hf:o/r/m.gguf", "1");
  const given = "cd".repeat(32);
  const [[plain], [checked]] = [
    await modelFiles("hf:o/r/m.gguf", root),
    await modelFiles("hf:o/r/m.gguf", root, [given]),
  ];
  expect(checked?.place).toMatchObject({ sha256: given });
  expect([plain?.identity, checked?.identity]).toEqual([expect.stringContaining("tag:1"), `sha256:${given}`]);
});

test("a source without a tag is known by its address, and a signature in it changes nothing", async () => {
  await keep("https://example.com/a/m.gguf", null);
  const [first, second] = await Promise.all(
    ["one", "two"].map((signature) => modelFiles(`https://example.com/a/m.gguf?signature=${signature}`, root)),
  );
  expect(first?.[0]?.identity).toBe(second?.[0]?.identity);
  expect(first?.[0]?.identity).not.toContain("signature");
  expect(first?.[0]?.place).toMatchObject({ source: "https://example.com/a/m.gguf?signature=one" });
});

test("a model that nobody has planned with is not imported", async () => {
  await expect(modelFiles("hf:o/r/unknown.gguf", root)).rejects.toThrow(
    "models.lock.json does not hold the facts of hf:o/r/unknown.gguf: run `npm run plan` for this stack.",
  );
});

test("a fingerprint reads 16 MiB of a file of any size, and sees its size, both ends and the samples", async () => {
  const path = join(root, "large.gguf");
  // A hole: the file takes no space.
  const bytes = 2 * 1024 * MIB;
  writeFileSync(path, "");
  truncateSync(path, bytes);
  const whole = await fingerprint(path, bytes);
  expect(whole).toMatch(/^sampled-sha256:[0-9a-f]{64}$/);
  expect(await fingerprint(path, bytes)).toBe(whole);
  truncateSync(path, bytes - 1);
  expect(await fingerprint(path, bytes - 1)).not.toBe(whole);
  truncateSync(path, bytes);
  for (const at of [0, bytes - 1, 4 * MIB + 5]) {
    const file = await open(path, "r+");
    await file.write(Buffer.from([1]), 0, 1, at);
    expect(await fingerprint(path, bytes), `byte ${at}`).not.toBe(whole);
    await file.write(Buffer.from([0]), 0, 1, at);
    await file.close();
  }
  expect(await fingerprint(path, bytes)).toBe(whole);
});

test("progress is told in the unit that fits", () => {
  const gibibyte = 1024 * MIB;
  expect(progressText({ bytesDone: 37.2 * gibibyte, bytesTotal: 42 * gibibyte })).toBe("37.2 of 42.0 GiB");
  expect(progressText({ bytesDone: 0, bytesTotal: 93.8 * MIB })).toBe("0.0 of 93.8 MiB");
});
