/**
 * Constructs the resource graph of a cluster under mocks, once, and prints the times as JSON:
 * `node bench/graph-once.ts <number of backends>`. A separate process, because `pulumi up` also starts one.
 */

import { join } from "node:path";

const count = Number(process.argv[2]);
const began = performance.now();

const pulumi = await import("@pulumi/pulumi");
const { answerCall, answerResource } = await import("./support/provider-answers.ts");

const REGION = "us-east-1";
const root = join(import.meta.dirname, "..");
const sections = {
  target: "aws",
  aws: { region: REGION, flowLogs: true },
  model: { source: join(root, ".models/SmolLM2-135M-Instruct.Q4_1.gguf"), contextTokens: 4096 },
  front: { machine: "c8g.xlarge" },
  backends: [{ name: "gpu", machine: "g6.xlarge", count }],
  limits: { alarmEmail: "ops@example.com", schedule: { start: "08:00", stop: "18:00" } },
};

let resources = 0;
await pulumi.runtime.setMocks(
  {
    newResource: (resource) => {
      resources++;
      return answerResource(resource, REGION);
    },
    call: (call) => answerCall(call, REGION),
  },
  "llama-rpc-cluster",
  "bench",
  true,
);
const [{ createAwsCluster }, { parseCluster }, { planCluster, readModelFacts }] = await Promise.all([
  import("../components/create.ts"),
  import("../config/parse.ts"),
  import("../plan/index.ts"),
]);
const loaded = performance.now();
await pulumi.runtime.runInPulumiStack(async () => {
  const config = parseCluster(sections);
  const plan = planCluster(config, await readModelFacts(config.model.source, root), { stack: "bench" });
  const cluster = await createAwsCluster("bench", { config, plan, machine: { buildArgs: {} }, projectRoot: root });
  return { endpoint: cluster.endpoint };
});
await pulumi.runtime.disconnect();
const done = performance.now();
console.log(JSON.stringify({ resources, loadSeconds: (loaded - began) / 1000, buildSeconds: (done - loaded) / 1000 }));
