import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { containerArchitecture } from "../../config/architecture.ts";
import type { ImagePlan } from "../../plan/resources/plans.ts";
import { LOGIN, type LocalRegistry, localRegistry, pull } from "../support/local-registry.ts";
import { type PushedStack, pushedStack } from "../support/pushed-images.ts";
import { ensureAwsTestTools } from "../support/test-tools.ts";
import { docker, runToEnd } from "./containers.ts";
import { BUILD_TIMEOUT_MS, buildImages, root } from "./images.ts";

const REPOSITORY = "llama-rpc-cluster/test-push/cpu";
const architecture = containerArchitecture(process.arch);
const images: ImagePlan[] = [
  { flavour: "cpu", role: "server", architecture },
  { flavour: "cpu", role: "backend", architecture },
];

describe("the images of this machine's architecture, pushed to a registry by their component", () => {
  let registry: LocalRegistry | null = null;
  let pushed: PushedStack | null = null;
  let lack = "";
  let references: string[] = [];

  beforeAll(async () => {
    const tools = await ensureAwsTestTools(root);
    if (tools.registry === null) {
      lack = tools.reasons.registry ?? "no registry";
      return;
    }
    await buildImages();
    registry = await localRegistry(tools.registry, { login: true });
    pushed = await pushedStack("test-push", { registry, repository: REPOSITORY, images });
    await pushed.stack.up();
    references = await pushed.references();
  }, BUILD_TIMEOUT_MS);

  afterAll(async () => {
    await pushed?.[Symbol.asyncDispose]();
    await registry?.[Symbol.asyncDispose]();
    const left = await docker([
      "image",
      "ls",
      "--quiet",
      "--filter",
      "reference=127.0.0.1:*/llama-rpc-cluster/test-push/*",
    ]);
    const ids = [...new Set(left.split("\n").filter(Boolean))];
    if (ids.length > 0) await docker(["image", "rm", "--force", ...ids]);
  }, 120_000);

  /** What was made, or a skip with the reason. */
  function need(skip: (reason: string) => never): { registry: LocalRegistry; pushed: PushedStack } {
    return registry && pushed ? { registry, pushed } : skip(lack);
  }

  test("are handed out by the digest that the registry has them under", async (context) => {
    const { registry } = need((reason) => context.skip(reason));
    for (const reference of references) {
      const digest = reference.replace(`${registry.address}/${REPOSITORY}@`, "");
      expect(digest, reference).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(await registry.digestOf(REPOSITORY, digest), reference).toBe(digest);
    }
    expect(new Set(references).size, "two roles are two images").toBe(2);
  });

  test("have one tag each, which names role, architecture and content", async (context) => {
    const { registry } = need((reason) => context.skip(reason));
    const tags = await registry.tagsOf(REPOSITORY);
    expect(tags).toEqual([
      expect.stringMatching(new RegExp(`^backend-${architecture}-[0-9a-f]{12}$`)),
      expect.stringMatching(new RegExp(`^server-${architecture}-[0-9a-f]{12}$`)),
    ]);
    const digests = await Promise.all(tags.map((tag) => registry.digestOf(REPOSITORY, tag)));
    expect(references.map((reference) => reference.split("@")[1]).sort()).toEqual(digests.sort());
  });

  test("are pulled by digest and run", async (context) => {
    const { registry } = need((reason) => context.skip(reason));
    for (const reference of references) {
      await pull(registry, reference);
      const ended = await runToEnd({ image: reference, args: ["ggml-rpc-server", "--help"] });
      expect(ended.output, reference).toMatch(/-c, --cache/);
    }
  });

  test("are not built again by a second run, nor by one with another token", async (context) => {
    const { pushed } = need((reason) => context.skip(reason));
    const same = await pushed.stack.preview({ expectNoChanges: true });
    pushed.signInWith("another token");
    const other = await pushed.stack.preview({ expectNoChanges: true });
    for (const { changeSummary } of [same, other]) expect(Object.keys(changeSummary)).toEqual(["same"]);
  });

  test("leave no password in the state", (context) => {
    const { pushed } = need((reason) => context.skip(reason));
    expect(pushed.stateOnDisk()).not.toContain(LOGIN.password);
  });
});
