import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { contextDigest } from "../../components/images/digest.ts";

describe("the digest of a build context", () => {
  let context: string;
  const write = (name: string, text: string) => writeFileSync(join(context, name), text);

  beforeEach(() => {
    context = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-context-"));
    write("Dockerfile", "FROM scratch\n");
    write("compose.yaml", "services: {}\n");
    write(".dockerignore", ".dockerignore\ncompose.yaml\nmodels\n");
  });
  afterEach(() => rmSync(context, { recursive: true }));

  test("stays the same while nothing changes, in whatever order the arguments come", () => {
    expect(contextDigest(context, { A: "1", B: "2" })).toBe(contextDigest(context, { B: "2", A: "1" }));
  });

  test("changes with a file's text, its name, its executable bit and a build argument", () => {
    const seen = [contextDigest(context, {}), contextDigest(context, { A: "1" })];
    write("Dockerfile", "FROM debian\n");
    seen.push(contextDigest(context, {}));
    write("Dockerfile.cuda", "FROM debian\n");
    seen.push(contextDigest(context, {}));
    chmodSync(join(context, "Dockerfile"), 0o755);
    seen.push(contextDigest(context, {}));
    expect(new Set(seen).size).toBe(seen.length);
  });

  test("takes notice of who may read and write a file only where modes are asked for", () => {
    chmodSync(join(context, "Dockerfile"), 0o644);
    const before = [contextDigest(context, {}), contextDigest(context, {}, { modes: true })];
    chmodSync(join(context, "Dockerfile"), 0o664);
    expect(contextDigest(context, {})).toBe(before[0]);
    expect(contextDigest(context, {}, { modes: true })).not.toBe(before[1]);
  });

  test("does not change with what the builder never sees", () => {
    const before = contextDigest(context, {});
    write("compose.yaml", "services: { more: {} }\n");
    mkdirSync(join(context, "models"));
    write("models/large.gguf", "weights");
    symlinkSync("/nowhere", join(context, "models/dangling.gguf"));
    expect(contextDigest(context, {})).toBe(before);
  });
});
