import { describe, expect, test } from "vitest";
import { type ImageRecipe, imageBuild } from "../../components/images/build.ts";
import { PINNED_LLAMACPP_VERSION } from "../../config/schema/index.ts";
import type { Flavour } from "../../config/words.ts";

const source = { value: `local/source:${PINNED_LLAMACPP_VERSION}`, version: PINNED_LLAMACPP_VERSION };

describe("a machine's build arguments", () => {
  const argsOf = (flavour: Flavour, recipe: Partial<ImageRecipe>) =>
    imageBuild(
      { flavour, role: "backend", architecture: "amd64" },
      { version: PINNED_LLAMACPP_VERSION, repository: "https://example.org/llama.cpp", ...recipe },
      "local",
    ).buildArgs;

  test("reach the builds of the version that they are for, and no other", () => {
    const buildArgs = { LLAMACPP_SOURCE: source };
    expect(argsOf("cpu", { buildArgs })).toHaveProperty("LLAMACPP_SOURCE", source.value);
    expect(argsOf("cuda", { buildArgs })).toHaveProperty("LLAMACPP_SOURCE", source.value);
    expect(argsOf("cpu", { buildArgs, version: "b4000" })).not.toHaveProperty("LLAMACPP_SOURCE");
  });

  test("reach the images of the flavour that they are for, and no other", () => {
    const buildArgs = { CUDA_FROM: { value: "debian", flavour: "cuda" } } as const;
    expect(argsOf("cuda", { buildArgs, version: "b4000" })).toHaveProperty("CUDA_FROM", "debian");
    expect(argsOf("cpu", { buildArgs })).not.toHaveProperty("CUDA_FROM");
  });

  test("change nothing where there are none", () => {
    expect(argsOf("cuda", {})).toEqual(argsOf("cuda", { buildArgs: {} }));
    expect(Object.keys(argsOf("cuda", {})).sort()).toEqual(["LLAMACPP_REPO", "LLAMACPP_VERSION"]);
  });
});
