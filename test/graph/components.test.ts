import { afterEach, describe, expect, test, vi } from "vitest";
import { smallModelFacts } from "../../bench/support/models.ts";
import { parseCluster } from "../../config/parse.ts";
import { planCluster } from "../../plan/index.ts";
import { type GraphNode, graphOf, graphOfProgram, inputOf, sectionsOf } from "../support/resource-graph.ts";
import { scratchModel } from "../support/scratch-model.ts";

const { model, scratch } = scratchModel();
const REGION = "us-east-1";
/** Characters that IAM takes for a role's name, without the eight that the provider adds. */
const ROLE_NAME_LENGTH = 64 - 8;

afterEach(() => vi.resetModules());

function clusterArgs(stack: string, sections: Record<string, unknown>) {
  const config = parseCluster({ ...sections, model });
  const plan = planCluster(config, { ...smallModelFacts(), file: "/models/model.gguf" }, { stack });
  const { version, repository } = config.images;
  return { plan, stack, recipe: { version, repository }, references: {} };
}

const namesOf = (graph: readonly GraphNode[]) =>
  graph.filter(({ type }) => !/^pulumi:(pulumi:Stack|providers:)/.test(type)).map(({ name }) => name);

describe("two clusters in one program", () => {
  test("on Docker have no name in common, and each name begins with its cluster's", async () => {
    const graph = await graphOfProgram("two", REGION, async () => {
      const { DockerCluster } = await import("../../components/docker/cluster.ts");
      for (const name of ["first", "second"]) new DockerCluster(name, clusterArgs(name, sectionsOf("local")));
    });
    expectTwins(namesOf(graph));
  });

  test("on AWS have no name in common, and each name begins with its cluster's", async () => {
    const graph = await graphOfProgram("two", REGION, async () => {
      const [aws, { AwsCluster }] = await Promise.all([
        import("@pulumi/aws"),
        import("../../components/aws/cluster.ts"),
      ]);
      const provider = new aws.Provider("aws", { region: REGION });
      for (const name of ["first", "second"])
        new AwsCluster(name, { ...clusterArgs(name, sectionsOf("aws-prod")), modelFiles: [] }, { provider });
    });
    expectTwins(namesOf(graph));
  });
});

function expectTwins(names: readonly string[]): void {
  const of = (cluster: string) => names.filter((name) => name === cluster || name.startsWith(`${cluster}-`)).sort();
  expect(of("first").length).toBeGreaterThan(15);
  expect([...of("first"), ...of("second")].sort()).toEqual([...names].sort());
  expect(of("second")).toEqual(of("first").map((name) => name.replace("first", "second")));
}

test("a role's name has room for what the provider adds, however long a pool's name is", async () => {
  const sections = sectionsOf("aws-dev");
  const pool = { name: "a".repeat(30), machine: "g6.xlarge", count: 12 };
  const limits = { maxHourlyUsd: 100 };
  const graph = await graphOf("aws-dev", { ...sections, model, backends: [pool], limits }, scratch);
  const roles = graph.filter(({ type }) => type === "aws:iam/role:Role").map(({ name }) => name);
  expect(roles.length).toBeGreaterThan(12);
  expect(roles.filter((name) => name.length > ROLE_NAME_LENGTH)).toEqual([]);
});

describe("the escape hatch in stacks/transform.ts", () => {
  test("reaches each kind of resource on Docker", async () => {
    const graph = await graphOf("local", { model }, scratch, {
      transform: {
        docker: {
          image: (args) => ({ ...args, noCache: true }),
          front: (args) => ({ ...args, cpuShares: 512 }),
          backend: (args) => ({ ...args, cpuShares: 256 }),
        },
      },
    });
    const of = (type: string) => graph.filter((node) => node.type.endsWith(type));
    expect(of("docker-build:index:Image").map((node) => inputOf(node, "noCache"))).toEqual([true, true]);
    expect(Object.fromEntries(of(":Container").map((node) => [node.name, inputOf(node, "cpuShares")]))).toEqual({
      "cluster-api-key-holder": undefined,
      "cluster-cpu-0": 256,
      "cluster-cpu-1": 256,
      "cluster-front": 512,
    });
  });

  test("reaches each kind of resource on AWS", async () => {
    const graph = await graphOf("aws-dev", { model }, scratch, {
      transform: {
        aws: {
          image: (args) => ({ ...args, noCache: true }),
          instance: (args) => ({ ...args, monitoring: true }),
        },
      },
    });
    const of = (type: string) => graph.filter((node) => node.type === type);
    const [images, instances] = [of("docker-build:index:Image"), of("aws:ec2/instance:Instance")];
    expect(images.length).toBeGreaterThan(0);
    expect(instances.length).toBeGreaterThan(1);
    expect(images.map((node) => inputOf(node, "noCache"))).toEqual(images.map(() => true));
    expect(instances.map((node) => inputOf(node, "monitoring"))).toEqual(instances.map(() => true));
  });
});
