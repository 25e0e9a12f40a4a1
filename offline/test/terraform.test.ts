import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { providerMirror } from "../test-tools/terraform.ts";

const platform = `${process.platform}_${process.arch === "x64" ? "amd64" : process.arch}`;

describe("a mirror of Terraform's providers", () => {
  let home: string;
  const provider = (mirror: string, ...path: string[]) =>
    join(home, mirror, "registry.terraform.io", "hashicorp", "aws", ...path);
  const make = (mirror: string, ...path: string[]) => mkdirSync(provider(mirror, ...path), { recursive: true });
  /** Nothing outside the test's own folder is found before what it names. */
  const found = (variables: Record<string, string>) => providerMirror({ HOME: home, ...variables });

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-mirror-"));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  test("is found where TF_PLUGIN_CACHE_DIR says, with the provider unpacked or packed", () => {
    make("unpacked", "5.100.0", platform);
    make("packed");
    writeFileSync(provider("packed", `terraform-provider-aws_5.100.0_${platform}.zip`), "");
    for (const mirror of ["unpacked", "packed"]) {
      expect(found({ TF_PLUGIN_CACHE_DIR: join(home, mirror) })).toBe(join(home, mirror));
    }
  });

  test("is found where Terraform's own settings name it, before any other", () => {
    make("settings", "5.100.0", platform);
    make("cache", "5.100.0", platform);
    const file = join(home, "terraform.rc");
    const path = join(home, "settings");
    writeFileSync(file, `provider_installation {\n  filesystem_mirror {\n    path = "${path}"\n  }\n}\n`);
    expect(found({ TF_CLI_CONFIG_FILE: file, TF_PLUGIN_CACHE_DIR: join(home, "cache") })).toBe(path);
  });

  test("is none that has the provider for another platform only", () => {
    make("other", "5.100.0", "plan9_mips");
    expect(found({ TF_PLUGIN_CACHE_DIR: join(home, "other") })).not.toBe(join(home, "other"));
  });
});
