import { expect, test } from "vitest";
import { PINNED_LLAMACPP_VERSION } from "../../config/schema/index.ts";
import { type GraphNode, graphOf, inputOf } from "../support/resource-graph.ts";
import { scratchModel } from "../support/scratch-model.ts";

const { model, scratch } = scratchModel();

async function buildArguments(version: string): Promise<Record<string, string>> {
  const graph = await graphOf("local", { model, images: { version } }, scratch);
  const build = graph.find((node: GraphNode) => node.type === "docker-build:index:Image");
  if (!build) throw new Error("The stack builds no image: is a reference set in its file?");
  return inputOf(build, "buildArgs");
}

test("another llama.cpp version is built without claiming the pinned one's commit and protocol", async () => {
  expect(await buildArguments("b9999")).toMatchObject({
    LLAMACPP_VERSION: "b9999",
    LLAMACPP_COMMIT: "",
    RPC_PROTOCOL: "",
    GGML_VERSION: "",
  });
});

test("the pinned version is built with the claims that the Dockerfile makes for it", async () => {
  expect(Object.keys(await buildArguments(PINNED_LLAMACPP_VERSION)).sort()).toEqual([
    "LLAMACPP_REPO",
    "LLAMACPP_VERSION",
  ]);
});
