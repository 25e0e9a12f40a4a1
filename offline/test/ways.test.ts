import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { paths } from "../../setup/paths.ts";
import type { Step, Way } from "../../setup/runner.ts";
import { buildxStep, engineStep } from "../../setup/steps/docker.ts";
import { baseImageStep, machineStep, sourceStep } from "../../setup/steps/images.ts";
import { modelStep } from "../../setup/steps/model.ts";
import { pluginStep } from "../../setup/steps/plugins.ts";
import { languageHostStep, pulumiStep } from "../../setup/steps/pulumi.ts";
import { versions as official } from "../../setup/versions.ts";
import { versions } from "../versions.ts";
import { extended, ways, withOffline } from "../ways.ts";

const steps: readonly Step[] = [
  ...[pulumiStep, languageHostStep, pluginStep("docker-build"), pluginStep("docker"), buildxStep, engineStep],
  ...[modelStep, baseImageStep, sourceStep, machineStep],
];

const way = (how: string, run: Way["run"] = async () => {}): Way => ({
  how,
  typical: "at once",
  blocked: async () => null,
  run,
});

describe("the ways over package registries", () => {
  test("each belong to a step of set-up", () => {
    expect(Object.keys(ways).sort()).toEqual(steps.map(({ name }) => name).sort());
  });

  test("are second to the official ones, for everything that is downloaded", () => {
    for (const [index, step] of withOffline(steps).entries()) {
      if (step.name === "machine file") continue;
      expect(step.get.how, step.name).toBe(steps[index]?.get.how);
      expect(step.getWithoutDownloads, step.name).toBeDefined();
      expect(steps[index]?.getWithoutDownloads, step.name).toBeUndefined();
    }
  });

  test("leave other steps alone", () => {
    const other: Step = { name: "another", why: "", lane: "fetch", have: async () => null, get: way("hand") };
    expect(withOffline([other])[0]).toBe(other);
  });
});

describe("an extended step", () => {
  const step: Step = { name: "a", why: "", lane: "fetch", have: async () => "installed", get: way("download") };

  test("has what the step has, and what was got the other way", async () => {
    expect(await extended(step, {}).have()).toBe("installed");
    const built = extended(step, { have: async (inner) => `built beside what is ${await inner.have()}` });
    expect(await built.have()).toBe("built beside what is installed");
  });

  test("goes the official way as this folder says, where it says so", async () => {
    const log: string[] = [];
    const get = way("download", async () => void log.push("official"));
    const never = new AbortController().signal;
    const silent = { say: () => {}, now: () => {} };
    await extended({ ...step, get }, {}).get.run(silent, never);
    const other = extended({ ...step, get }, { run: async () => void log.push("other") });
    expect(other.get.how).toBe("download");
    await other.get.run(silent, never);
    expect(log).toEqual(["official", "other"]);
  });
});

test("the source image is of the llama.cpp that set-up pins", () => {
  const { sourceImage } = versions.llamaCpp;
  expect(sourceImage, "name it after the commit in setup/versions.ts, and pin a package that holds it").toMatch(
    new RegExp(`:${official.llamaCpp.commit}$`),
  );
});

test.each([
  ["pulumi", `github.com/pulumi/pulumi/pkg/v3 v${official.pulumi.version}`],
  ["language-nodejs", `github.com/pulumi/pulumi/sdk/v3 v${versions.languageHost.version}`],
  ["docker-build", `github.com/pulumi/pulumi-docker-build v${official.plugins["docker-build"].version}`],
  ["buildx", `github.com/docker/buildx v${official.buildx.version}`],
  ["compose", `github.com/docker/compose/v5 v${versions.compose.version}`],
  ["actionlint", `github.com/rhysd/actionlint v${versions.actionlint.version}`],
])("the Go module %s builds the version that set-up pins", (module, line) => {
  const text = readFileSync(join(paths.root, "offline", "go", module, "go.mod"), "utf8");
  expect(text.replaceAll(/\s+/g, " ")).toContain(line);
});
