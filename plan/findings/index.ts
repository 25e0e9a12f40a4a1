/** Everything that the planner has to say about a cluster. Each kind of finding is one function. */

import { CONTEXT_STEP_TOKENS, MAX_BACKENDS } from "../../config/bounds.ts";
import { isLocalSource } from "../../config/model-source.ts";
import { type MemorySize, memoryBytes, memorySize } from "../../config/units.ts";
import type { Cluster } from "../hosts/cluster.ts";
import { capacityText } from "../hosts/hosts.ts";
import { resolve } from "../hosts/resolve.ts";
import type { ModelFacts } from "../model/facts.ts";
import { LOCK_FILE } from "../model/lock.ts";
import type { Placement } from "../placement/index.ts";
import { cheapestFitOnAws, cheapestFront, cheapestWithoutFrontLayersOnAws, fewerBackends } from "../remedies/aws.ts";
import { withoutLayersText } from "../remedies/candidates.ts";
import { withoutSplit, withPoolValues } from "../remedies/change.ts";
import {
  backendsFit,
  changeOf,
  cheapestFit,
  cheapestWithoutFrontLayers,
  moreFrontMemory,
  type Remedy,
} from "../remedies/memory.ts";
import { FINDING_NUMBERS } from "./codes.ts";
import { COST_CHECKS } from "./cost.ts";
import { ECONOMY_CHECKS } from "./economy.ts";
import type { Finding } from "./finding.ts";
import { MACHINE_CHECKS } from "./machines.ts";
import type { Check, Situation } from "./situation.ts";
import { SPEED_CHECKS } from "./speed.ts";

const modelFits: Check = ({ cluster, facts, placement }) => {
  if (placement === null) return [];
  const over = placement.backends.map(({ totalBytes, capacityBytes }) => totalBytes - capacityBytes);
  const worst = over.indexOf(Math.max(...over));
  const backend = cluster.backends[worst];
  const memory = placement.backends[worst];
  if (backend === undefined || memory === undefined || memory.totalBytes <= memory.capacityBytes) return [];
  const remedy = cluster.target === "docker" ? cheapestFit(cluster, facts) : cheapestFitOnAws(cluster, facts);
  const split = cluster.ownSplit === null ? "with the best split" : "with your own split";
  return [
    {
      code: "model-does-not-fit",
      severity: "error",
      path:
        remedy?.change.path ?? `backends[${backend.poolIndex}].${cluster.target === "docker" ? "memory" : "machine"}`,
      message: `The model does not fit: ${split}, ${backend.name} needs ${memorySize(memory.totalBytes)} of its ${capacityText(backend)}.`,
      remedy:
        remedy?.sentence ??
        `Give several pools more ${cluster.target === "docker" ? "memory" : "machines"}, or choose a smaller model or a smaller quantization of it.`,
      ...changeOf(remedy),
    },
  ];
};

const frontFits: Check = ({ cluster, facts, placement }) => {
  if (placement === null || placement.front.totalBytes <= placement.front.capacityBytes) return [];
  const isOnAws = cluster.target === "aws";
  const needed = memorySize(Math.ceil(placement.front.totalBytes / memoryBytes("64 MiB")) * memoryBytes("64 MiB"));
  const remedy = isOnAws ? cheapestFront(cluster, facts) : (frontMemory(cluster, facts, placement) ?? atLeast(needed));
  return [
    {
      code: "front-memory-too-small",
      severity: "error",
      path: isOnAws ? "front.machine" : "front.memory",
      message: `The front needs ${memorySize(placement.front.totalBytes)} and has ${capacityText(cluster.front)}.`,
      remedy: remedy?.sentence ?? `Give the front a machine with more memory than ${needed}.`,
      ...changeOf(remedy),
    },
  ];
};

function frontMemory(cluster: Cluster, facts: ModelFacts, placement: Placement): Remedy | null {
  return backendsFit(placement) ? moreFrontMemory(cluster, facts) : null;
}

function atLeast(needed: MemorySize): Remedy {
  return { change: { path: "front.memory", value: needed }, sentence: `Set front.memory to at least ${needed}.` };
}

const splitIsNotTooLong: Check = ({ cluster, facts }) => {
  const given = cluster.ownSplit?.reduce((sum, count) => sum + count, 0) ?? 0;
  if (given <= facts.layers) return [];
  return [
    {
      code: "split-too-long",
      severity: "error",
      path: "backends",
      message: `Your own split gives out ${given} layers, and the model has ${facts.layers}.`,
      remedy: `Give out ${given - facts.layers} fewer, or leave layers out of every pool.`,
      change: withoutSplit(cluster).change,
    },
  ];
};

const everyBackendHasLayers: Check = ({ cluster, facts, placement }) => {
  const count = cluster.backends.length;
  // Of a split that is too long there is a word already.
  if (placement !== null || count <= facts.layers || cluster.ownSplit !== null) return [];
  const remedy = fewerBackends(cluster, facts, facts.layers);
  return [
    {
      code: "more-backends-than-layers",
      severity: "error",
      path: remedy?.change.path ?? "backends",
      message: `The model has ${facts.layers} layers, too few for ${count} backends: each must hold one at least.`,
      remedy: remedy?.sentence ?? `Keep at most ${facts.layers} backends.`,
      ...changeOf(remedy),
    },
  ];
};

const notTooManyBackends: Check = ({ cluster, facts }) => {
  const count = cluster.backends.length;
  const surplus = count - MAX_BACKENDS;
  if (surplus <= 0) return [];
  const remedy = fewerBackends(cluster, facts, MAX_BACKENDS);
  const perGpu = cluster.pools.some((pool) => pool.backends.length > pool.count) ? ", one for each GPU" : "";
  return [
    {
      code: "too-many-backends",
      severity: "error",
      path: remedy?.change.path ?? "backends",
      message: `There are ${count} backends${perGpu}, and llama.cpp takes at most ${MAX_BACKENDS}.`,
      remedy: remedy?.sentence ?? `Lower the counts by ${surplus} in all.`,
      ...changeOf(remedy),
    },
  ];
};

const frontComputesNothing: Check = ({ cluster, facts, placement }) => {
  if (placement === null || placement.frontLayers === 0 || !placement.fits) return [];
  const isOwn = cluster.ownSplit !== null;
  const remedy =
    cluster.target === "docker"
      ? cheapestWithoutFrontLayers(cluster, facts)
      : cheapestWithoutFrontLayersOnAws(cluster, facts);
  const because = isOwn ? "Your own split does not give out every layer" : "The backends can't hold every layer";
  return [
    {
      code: "front-computes-layers",
      severity: "warning",
      path: remedy?.change.path ?? "backends",
      message: `${because}: the front computes the first ${placement.frontLayers} itself, and the devices no longer overlap.`,
      remedy: remedy?.sentence ?? (isOwn ? "Give out the others too." : "Give several pools more memory."),
      ...changeOf(remedy),
    },
  ];
};

const contextIsTrained: Check = ({ cluster, facts }) => {
  const { slotContextTokens, slots } = cluster.settings;
  const trained = facts.trainedContextTokens;
  if (trained === 0 || slotContextTokens <= trained) return [];
  // llama.cpp rounds each slot's context up.
  const most = Math.floor(trained / CONTEXT_STEP_TOKENS) * CONTEXT_STEP_TOKENS * slots;
  const path = "model.contextTokens";
  return [
    {
      code: "context-longer-than-trained",
      severity: "warning",
      path,
      message: `Each slot has a context of ${slotContextTokens} tokens, and the model was trained with ${trained}: answers beyond that get worse.`,
      ...(most === 0
        ? {
            remedy: `Choose another model, or keep what you ask and its answer within ${trained} tokens: llama.cpp gives a slot no less than ${CONTEXT_STEP_TOKENS}.`,
          }
        : { remedy: `Set ${path} to at most ${most}.`, change: { path, value: most } }),
    },
  ];
};

const contextIsWhole: Check = ({ cluster: { model, settings } }) => {
  const { slotContextTokens, slots } = settings;
  const used = slotContextTokens * slots;
  if (used === model.contextTokens) return [];
  return [
    {
      code: "context-rounded",
      severity: "advice",
      path: "model.contextTokens",
      message: `The context of each slot is rounded up to ${CONTEXT_STEP_TOKENS} tokens: llama.cpp uses ${used} instead of ${model.contextTokens}.`,
      remedy: `Set model.contextTokens to ${used}.`,
      change: { path: "model.contextTokens", value: used },
    },
  ];
};

const architectureIsKnown: Check = ({ facts }) => {
  if (facts.architectureKnown) return [];
  return [
    {
      code: "architecture-unknown",
      severity: "warning",
      path: "model.source",
      message: `The planner does not know the architecture ${facts.architecture}: it assumes a full KV cache in every layer, and its compute buffers are a guess.`,
      remedy: "Leave a tenth of each backend's memory free, and compare the start-up log with the plan.",
    },
  ];
};

const modelIsHere: Check = ({ cluster, facts }) => {
  // Machines on EC2 get the model from a bucket, wherever it is now.
  if (cluster.target === "aws" || isLocalSource(cluster.model.source)) return [];
  const path = `.models/${facts.fileName}`;
  return [
    {
      code: "model-elsewhere",
      severity: "warning",
      path: "model.source",
      message: "The model is not on this machine: this plan can be looked at, and the cluster can't be created yet.",
      remedy: `Download it to ${path} and set model.source to that path.`,
      change: { path: "model.source", value: path },
    },
  ];
};

const modelIsTheKeptOne: Check = ({ facts }) => {
  if (facts.changed !== true) return [];
  return [
    {
      code: "model-changed",
      severity: "warning",
      path: "model.source",
      message: `The file ${facts.source} is not the one whose facts ${LOCK_FILE} keeps.`,
      remedy: "If it is the one you mean, run `npm run plan` for this stack with --renew and commit the lock file.",
    },
  ];
};

const gpusAreNotShared: Check = ({ cluster }) =>
  cluster.pools.flatMap((pool) => {
    if (cluster.target === "aws" || pool.host.flavour !== "cuda" || pool.count === 1) return [];
    const { change, config } = withPoolValues(cluster, pool.index, { count: 1 });
    return {
      code: "gpu-shared",
      severity: "warning" as const,
      path: change.path,
      message: `The ${pool.count} backends of pool ${pool.name} all use the same GPU, the first of those handed to them.`,
      remedy: `Set backends[${pool.index}].count to 1${withoutLayersText(cluster, resolve(config))}, or write one pool for each GPU, with count 1 and gpus "0", "1" and so on.`,
      change,
    };
  });

const CHECKS: readonly Check[] = [
  ...MACHINE_CHECKS,
  notTooManyBackends,
  splitIsNotTooLong,
  everyBackendHasLayers,
  modelFits,
  frontFits,
  frontComputesNothing,
  modelIsHere,
  modelIsTheKeptOne,
  architectureIsKnown,
  contextIsTrained,
  contextIsWhole,
  gpusAreNotShared,
  ...ECONOMY_CHECKS,
  ...COST_CHECKS,
  ...SPEED_CHECKS,
];

/** Every finding, errors first. */
export function findingsOf(situation: Situation): Finding[] {
  const order = ["error", "warning", "advice"];
  return CHECKS.flatMap((check) => check(situation))
    .map((observation) => ({ ...observation, number: FINDING_NUMBERS[observation.code] }))
    .sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}
