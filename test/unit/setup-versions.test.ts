import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PINNED_LLAMACPP_VERSION } from "../../config/schema/index.ts";
import { versions } from "../../setup/versions.ts";

const defaultOf = (dockerfile: string, argument: string): string | undefined =>
  new RegExp(`^ARG ${argument}=(.*)$`, "m").exec(readFileSync(dockerfile, "utf8"))?.[1];

test("set-up brings the llama.cpp that the configuration asks for", () => {
  const { commit, repository } = versions.llamaCpp;
  expect(commit, "set the same commit in setup/versions.ts and config/schema/index.ts").toBe(PINNED_LLAMACPP_VERSION);
  expect(repository).toMatch(/^https:/);
});

test.each(["images/cpu.Dockerfile", "images/cuda.Dockerfile"])("%s builds what the others pin", (dockerfile) => {
  const remedy = `set the ARG in ${dockerfile} and setup/versions.ts to the same value`;
  expect(defaultOf(dockerfile, "LLAMACPP_VERSION"), remedy).toBe(versions.llamaCpp.commit);
  expect(defaultOf(dockerfile, "LLAMACPP_COMMIT"), remedy).toBe(versions.llamaCpp.commit);
  expect(defaultOf(dockerfile, "LLAMACPP_REPO"), remedy).toBe(versions.llamaCpp.repository);
  expect(defaultOf(dockerfile, "BASE_IMAGE"), remedy).toBe(versions.baseImage.reference);
});
