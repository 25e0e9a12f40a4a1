import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { download, requestFor } from "../../setup/download.ts";
import { takeAway, tryAcquire } from "../../setup/lock.mjs";
import { versionIn } from "../../setup/programs.ts";
import { checksumOf, isUsable } from "../../setup/steps/pulumi.ts";

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

  test.each([
    ["3.9.0", false],
    ["3.258.9", false],
    ["3.259.0", true],
    ["3.1000.0", true],
    ["4.0.0", false],
  ])("of the user's own Pulumi: %s will do: %s", (version, will) => expect(isUsable(version)).toBe(will));

  test("of a checksum file are found by the archive's name", () => {
    const hash = hashOf("archive");
    expect(checksumOf(`${hash}  a-linux-x64.tar.gz\n${hashOf("b")} *b.tar.gz\n`, "a-linux-x64.tar.gz")).toBe(hash);
    expect(checksumOf(`${hash}  b.tar.gz`, "a.tar.gz")).toBeNull();
    expect(checksumOf("<html>not found</html>", "a.tar.gz")).toBeNull();
  });
});

test("credentials of an address go into a header, never into the address", () => {
  const { url, headers } = requestFor("https://user:p%40ss@index.example/simple/");
  expect(url).toBe("https://index.example/simple/");
  expect(headers["authorization"]).toBe(`Basic ${Buffer.from("user:p@ss").toString("base64")}`);
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
    await expect(download(url, file, hashOf("other"), silent, never)).rejects.toThrow(
      /instead of \w{64}; it was deleted/,
    );
    expect(existsSync(file) || existsSync(`${file}.part`)).toBe(false);
  });
  test("is not done again", async () => {
    const file = join(folder, "file");
    writeFileSync(file, content);
    await download(url, file, hashOf(content), silent, never);
    expect(requests).toEqual([]);
  });
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
