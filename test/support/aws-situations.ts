/** Clusters of EC2 machines that bring about findings. */

import { modelFacts, smallModelFacts } from "../../bench/support/models.ts";
import { PUBLISHED, publishedModel } from "../../bench/support/published-cluster.ts";
import { parseCluster } from "../../config/parse.ts";
import type { ClusterConfig } from "../../config/schema/index.ts";
import type { ModelFacts } from "../../plan/index.ts";

const llama = { headLength: 128, keyValueHeads: 8, vocabularyTokens: 128_256, contextTokens: 131_072 };
export const small = smallModelFacts();
export const llama8 = modelFacts({ ...llama, layers: 32, embeddingLength: 4096, heads: 32, feedForwardLength: 14_336 });
export const llama70 = modelFacts({
  ...llama,
  layers: 80,
  embeddingLength: 8192,
  heads: 64,
  feedForwardLength: 28_672,
});
export const llama405 = publishedModel();

type Values = Readonly<Record<string, unknown>>;

/** A cluster in us-east-1 whose pools are called by their numbers. */
export function cluster(machine: string, backends: readonly Values[], more: Values = {}): ClusterConfig {
  const raw = {
    target: "aws",
    aws: { region: "us-east-1" },
    model: { source: "hf:owner/repository/model.gguf" },
    front: { machine },
    backends: backends.map((pool, index) => ({ name: `p${index}`, ...pool })),
    ...more,
  };
  return parseCluster(raw, "plan");
}

/** A situation that brings about one kind of finding, and what its remedy sets and removes. */
export interface Situation {
  code: string;
  because: string;
  facts: ModelFacts;
  config: ClusterConfig;
  path: string;
  /** Left out where it follows from prices: other tests look for something cheaper. */
  value?: unknown;
  /** Paths that the remedy removes. @default none */
  remove?: string[];
}

/** Two of the published cluster's machines. */
export const c16 = { machine: "c8g.16xlarge", count: 2 };
/** Another front, with more than its machine. */
export const withFront = (front: Values) => ({ front });
/** One situation at least for each kind. */
export const situations: Situation[] = [
  {
    code: "model-does-not-fit",
    because: "machines are too small",
    facts: llama405,
    config: cluster("c8g.2xlarge", [{ machine: "c8g.4xlarge", count: 2 }]),
    path: "backends[0].machine",
  },
  {
    code: "model-does-not-fit",
    because: "the own split is uneven",
    facts: llama405,
    config: cluster("c8g.16xlarge", [{ ...c16, layers: [100, 20] }]),
    path: "backends[0].layers",
    remove: ["backends[0].layers"],
  },
  {
    code: "model-does-not-fit",
    because: "no split of so few machines would do",
    facts: llama405,
    config: cluster("c8g.2xlarge", [{ machine: "c8g.12xlarge", layers: [126] }]),
    path: "backends[0].machine",
    remove: ["backends[0].layers"],
  },
  {
    code: "front-memory-too-small",
    because: "embeddings are large",
    facts: llama405,
    config: cluster("c8g.large", [c16]),
    path: "front.machine",
  },
  {
    code: "more-backends-than-layers",
    because: "there are too many machines",
    facts: modelFacts({ layers: 4 }),
    config: cluster("c8g.large", [{ machine: "c8g.large", count: 6 }]),
    path: "backends[0].count",
    value: 4,
  },
  {
    code: "more-backends-than-layers",
    because: "one machine has too many GPUs",
    facts: modelFacts({ layers: 3 }),
    config: cluster("c8g.large", [{ machine: "g4dn.12xlarge" }]),
    path: "backends[0].machine",
    value: "g4dn.xlarge",
  },
  {
    code: "too-many-backends",
    because: "each GPU is one",
    facts: llama405,
    config: cluster("c8g.2xlarge", [{ machine: "p5.48xlarge", count: 2 }]),
    path: "backends[0].count",
    value: 1,
  },
  {
    code: "too-many-backends",
    because: "no pool has a machine to spare",
    facts: llama405,
    config: cluster("c8g.2xlarge", [{ machine: "p5.48xlarge" }, { machine: "p5.48xlarge" }]),
    path: "backends[0].machine",
    value: "p5.4xlarge",
  },
  {
    code: "too-many-backends",
    because: "fewer of these machines would not hold the model",
    facts: llama405,
    config: cluster("c8g.2xlarge", [{ machine: "g4dn.12xlarge", count: 4 }]),
    path: "backends[0].machine",
  },
  {
    code: "split-too-long",
    because: "it gives out more layers than there are",
    facts: llama405,
    config: cluster("c8g.16xlarge", [{ ...c16, layers: [100, 29] }]),
    path: "backends[0].layers",
    remove: ["backends[0].layers"],
  },
  {
    code: "front-computes-layers",
    because: "the backends can't hold all",
    facts: llama405,
    config: cluster("c8g.16xlarge", [{ machine: "c8g.16xlarge" }]),
    path: "backends[0].machine",
  },
  {
    code: "front-computes-layers",
    because: "the own split of the published cluster says so",
    facts: llama405,
    config: cluster("c8g.16xlarge", [{ ...c16, layers: PUBLISHED.layers.slice(0, 2) }]),
    path: "backends[0].layers",
    remove: ["backends[0].layers"],
  },
  {
    code: "one-backend-is-enough",
    because: "one bigger machine costs less than two",
    facts: llama405,
    config: cluster("c8g.16xlarge", [c16]),
    path: "backends",
  },
  {
    code: "cpu-beside-gpu",
    because: "the GPUs hold all",
    facts: llama70,
    config: cluster("c8g.2xlarge", [{ machine: "c8g.16xlarge" }, { machine: "g6e.2xlarge", count: 2 }]),
    path: "backends[0]",
    remove: ["backends[0]"],
  },
  {
    code: "memory-unused",
    because: "machines with less memory have as many cores",
    facts: llama8,
    config: cluster("c8g.large", [{ machine: "m8g.16xlarge" }]),
    path: "backends[0].machine",
    value: "c8g.16xlarge",
  },
  {
    code: "slower-than-front-alone",
    because: "the backends are weaker than the front",
    facts: llama8,
    config: cluster("c8g.8xlarge", [{ machine: "c8g.4xlarge", count: 2 }]),
    path: "backends",
  },
  {
    code: "slower-than-front-alone",
    because: "its GPU could hold the model",
    facts: llama8,
    config: cluster("g6.xlarge", [{ machine: "g6.xlarge", count: 3 }]),
    path: "backends",
  },
  {
    code: "network-bound",
    because: "a small model is spread over many fast machines",
    facts: llama8,
    config: cluster("c8g.large", [{ machine: "p5.4xlarge", count: 12 }]),
    path: "backends",
  },
  {
    code: "mixed-architectures",
    because: "the front is another one than the backends",
    facts: llama8,
    config: cluster("g6.xlarge", [{ machine: "c8g.8xlarge" }]),
    path: "front.machine",
  },
  {
    code: "mixed-architectures",
    because: "the front can't be replaced as cheaply as the backends",
    facts: small,
    config: cluster("c8g.large", [{ machine: "g4dn.xlarge" }]),
    path: "backends[0].machine",
    value: "g5g.xlarge",
  },
  {
    code: "slow-load",
    because: "the published cluster's volume has what every volume has",
    facts: llama405,
    config: cluster("", [c16], withFront({ machine: PUBLISHED.machine, diskMebibytesPerSecond: 125 })),
    path: "front.diskMebibytesPerSecond",
  },
  {
    code: "slow-load",
    because: "the front's link to its volume is slow",
    facts: llama405,
    config: cluster("g5.2xlarge", [c16]),
    path: "front.machine",
  },
  {
    code: "slow-load",
    because: "both the volume and the link are slow",
    facts: llama405,
    config: cluster("", [c16], withFront({ machine: "g5.2xlarge", diskMebibytesPerSecond: 125 })),
    path: "front",
  },
  {
    code: "quota-needed",
    because: "nothing is known of the account, or too little",
    facts: llama70,
    config: cluster(
      "c8g.2xlarge",
      [
        { machine: "g6e.xlarge", count: 2 },
        { machine: "p5.4xlarge", market: "spot" },
        { machine: "x8g.2xlarge", market: "spot" },
      ],
      { aws: { region: "us-east-1", vcpuQuotas: { "L-1216C47A": 64, "L-DB2E81BA": 4 } } },
    ),
    path: "aws.vcpuQuotas",
    value: { "L-1216C47A": 64, "L-DB2E81BA": 8, "L-C4BD4855": 16, "L-E3A00192": 8 },
  },
  {
    code: "type-not-offered",
    because: "the region has another type that is as good",
    facts: llama70,
    config: cluster("c8g.2xlarge", [{ machine: "g6.12xlarge" }], { aws: { region: "eu-west-1" } }),
    path: "backends[0].machine",
    value: "g5.12xlarge",
  },
  {
    code: "type-not-offered",
    because: "only other regions have something as good",
    facts: llama70,
    config: cluster("c8g.2xlarge", [{ machine: "g6e.2xlarge", count: 2 }], { aws: { region: "eu-west-1" } }),
    path: "aws.region",
    value: "us-east-1",
  },
  {
    code: "type-not-offered",
    because: "it is sold in capacity blocks alone",
    facts: llama405,
    config: cluster("c8g.2xlarge", [{ machine: "p5e.48xlarge" }]),
    path: "backends[0].machine",
    value: "p5en.48xlarge",
  },
  {
    code: "type-not-offered",
    because: "it is never spot",
    facts: llama70,
    config: cluster("c8g.2xlarge", [{ machine: "hpc7g.16xlarge", market: "spot" }]),
    path: "backends[0].market",
    value: "on-demand",
  },
  {
    code: "hourly-cost-above-limit",
    because: "a front that computes nothing is as big as the backends",
    facts: llama405,
    config: cluster("c8g.16xlarge", [c16], { limits: { maxHourlyUsd: 6 } }),
    path: "front.machine",
  },
  {
    code: "hourly-cost-above-limit",
    because: "nothing is as cheap as that",
    facts: small,
    config: cluster("c8g.large", [{ machine: "c8g.large", market: "spot" }], { limits: { maxHourlyUsd: 0.01 } }),
    path: "limits.maxHourlyUsd",
  },
  {
    code: "gpu-driver-missing",
    because: "it has a part of a GPU",
    facts: small,
    config: cluster("c8g.2xlarge", [{ machine: "g6f.xlarge" }]),
    path: "backends[0].machine",
    value: "g4dn.xlarge",
  },
  {
    code: "gpu-driver-missing",
    because: "its GPUs are too old",
    facts: llama70,
    config: cluster("c8g.2xlarge", [{ machine: "p3dn.24xlarge" }]),
    path: "backends[0].machine",
    value: "p4d.24xlarge",
  },
];
