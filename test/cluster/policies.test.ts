import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContainerArgs } from "@pulumi/docker";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DockerCluster } from "../../components/docker/cluster.ts";
import type { Transform } from "../../components/transform.ts";
import { parseCluster } from "../../config/parse.ts";
import { planCluster } from "../../plan/index.ts";
import { readModelFacts } from "../../plan/model/facts.ts";
import { type EngineStack, engineStack } from "../support/engine-stack.ts";
import { sectionsOf } from "../support/resource-graph.ts";

const STACK = "test-policies";
const policyPacks = ["policies"];

describe("a preview with the policy pack", () => {
  let cluster: EngineStack;

  beforeAll(async () => {
    cluster = await engineStack(STACK, "local");
  });

  afterAll(() => cluster.dispose());

  test("passes this machine's cluster, and says that the pack was there", async () => {
    const { stdout } = await cluster.stack.preview({ policyPacks });
    expect(stdout).toMatch(/✅ llama-rpc-cluster@v[\d.]+ \(local: policies\)/);
  });

  test("refuses a backend that publishes its port", async () => {
    const refusal = await refusalOf((backend) => ({ ...backend, ports: [{ internal: 50052, external: 50052 }] }));
    expect(refusal).toMatch(/\[mandatory\] +only-the-front-is-published +\(docker:index:Container: cluster-cpu-0\)/);
    expect(refusal).toContain("docker:index/container:Container cluster-cpu-0, ports[0] is ");
  });

  test("refuses a backend on a network with a way out", async () => {
    const refusal = await refusalOf((backend) => ({
      ...backend,
      networksAdvanced: [{ name: `llama-rpc-cluster-${STACK}-edge` }],
    }));
    expect(refusal).toMatch(
      /\[mandatory\] +backends-are-on-internal-networks +\(docker:index:Container: cluster-cpu-1\)/,
    );
  });

  test("lets pass what a file makes advisory, and still says so", async () => {
    const folder = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-policies-"));
    const file = join(folder, "policies.json");
    writeFileSync(file, JSON.stringify({ "containers-keep-to-themselves": "advisory" }));
    const program = programWith((backend) => ({ ...backend, privileged: true }));
    const { stdout } = await cluster.stack.preview({ policyPacks, policyPackConfigs: [file], program });
    rmSync(folder, { recursive: true });
    expect(stdout).toMatch(/\[advisory\] +containers-keep-to-themselves +\(docker:index:Container: cluster-cpu-0\)/);
  });

  /** What a preview says of a cluster whose backends are changed through the escape hatch. */
  async function refusalOf(backend: Transform<ContainerArgs>): Promise<string> {
    return cluster.stack.preview({ policyPacks, program: programWith(backend) }).then(
      ({ stdout }) => expect.fail(`The preview passed:\n${stdout}`),
      (error: unknown) => String(error),
    );
  }

  function programWith(backend: Transform<ContainerArgs>) {
    return async () => {
      const config = parseCluster(sectionsOf("local"));
      const facts = await readModelFacts(config.model.source, process.cwd());
      const plan = planCluster(config, facts, { stack: STACK, architecture: "amd64" });
      const recipe = { version: config.images.version, repository: config.images.repository };
      new DockerCluster("cluster", { plan, stack: STACK, recipe, transform: { backend } });
    };
  }
});
