/** Plans of target aws for tests of what is shown of them. */

import { publishedModel } from "../../bench/support/published-cluster.ts";
import { parseCluster } from "../../config/parse.ts";
import { planCluster } from "../../plan/index.ts";
import type { ModelFacts } from "../../plan/model/facts.ts";
import type { ClusterPlan } from "../../plan/plan.ts";

/** The plan of a configuration whose front and backends are given. */
export function awsPlan(values: Readonly<Record<string, unknown>>, facts: ModelFacts = publishedModel()): ClusterPlan {
  const raw = {
    target: "aws",
    aws: { region: "us-east-1" },
    model: { source: "hf:owner/repository/model.gguf" },
    front: { machine: "c8g.4xlarge" },
    ...values,
  };
  return planCluster(parseCluster(raw, "plan"), facts, { stack: "aws-test" });
}

/** Two spot machines with four GPUs each and one without a GPU, on workdays, open to the Internet; the split is its own. */
export const MIXED = {
  backends: [
    { name: "gpu", machine: "g6e.12xlarge", count: 2, market: "spot", layers: Array.from({ length: 8 }, () => 14) },
    { name: "arm", machine: "c8g.8xlarge", layers: [14] },
  ],
  access: { mode: "public", domain: "llm.example.com", allowedCidrs: ["0.0.0.0/0"] },
  limits: { schedule: { days: ["mon", "tue", "wed", "thu", "fri"], start: "08:00", stop: "18:00" } },
};

/** The published cluster: three machines without GPUs, of which one is the front and computes layers too. */
export const PUBLISHED_CLUSTER = {
  front: { machine: "c8g.16xlarge" },
  backends: [{ name: "arm", machine: "c8g.16xlarge", count: 2, layers: [50, 49] }],
};

/** The same plan with less memory in every backend than the split needs. */
export function tooSmall(plan: ClusterPlan): ClusterPlan {
  const backends = plan.backends.map((backend) => {
    const capacityBytes = backend.memory.totalBytes / 2;
    return { ...backend, memory: { ...backend.memory, capacityBytes } };
  });
  return { ...plan, backends };
}
