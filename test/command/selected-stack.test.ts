import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { paths } from "../../setup/paths.ts";
import { which } from "../../setup/programs.ts";
import { PROJECT, selectedStack } from "../../setup/pulumi/engine.ts";

let folder = "";

/** A backend in a folder, which holds the empty stack `aws-dev`. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-selected-"));
  const stacks = join(folder, ".pulumi", "stacks", PROJECT);
  mkdirSync(stacks, { recursive: true });
  writeFileSync(join(folder, ".pulumi", "meta.yaml"), "version: 1\n");
  const checkpoint = { stack: `organization/${PROJECT}/aws-dev`, latest: null };
  writeFileSync(join(stacks, "aws-dev.json"), JSON.stringify({ version: 3, checkpoint }));
  vi.stubEnv("PULUMI_BACKEND_URL", pathToFileURL(folder).href);
  vi.stubEnv("PULUMI_HOME", join(folder, "home"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test("the stack that commands use without -s is the one that Pulumi has selected", async (context) => {
  if (which("pulumi") === null && which(join(paths.bin, "pulumi")) === null) {
    return context.skip("there is no pulumi: npm start gets it");
  }
  expect(await selectedStack()).toBeNull();
  vi.stubEnv("PULUMI_STACK", "aws-dev");
  expect(await selectedStack()).toBe("aws-dev");
  vi.stubEnv("PULUMI_STACK", "absent");
  expect(await selectedStack()).toBeNull();
});
