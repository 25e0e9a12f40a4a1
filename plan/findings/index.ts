/** Everything that the planner reports about a cluster. Each kind of finding is one function. */

import { CONTEXT_STEP_TOKENS, MAX_BACKENDS } from "../../config/bounds.ts";
import { isLocalSource } from "../../config/model-source.ts";
import { memoryBytes, memorySize } from "../../config/units.ts";
import type { Cluster } from "../hosts/cluster.ts";
import { capacityText } from "../hosts/hosts.ts";
import type { ModelFacts } from "../model/facts.ts";
import { LOCK_FILE } from "../model/lock.ts";
import type { Placement } from "../placement/index.ts";
import { cheapestFitOnAws, cheapestFront, cheapestWithoutFrontLayersOnAws, fewerBackends } from "../remedies/aws.ts";
import { setting, withoutSplit, withPoolValues } from "../remedies/change.ts";
import { backendsFit, cheapestFit, cheapestWithoutFrontLayers, moreFrontMemory } from "../remedies/memory.ts";
import type { Remedy } from "../remedies/remedy.ts";
import { COST_CHECKS } from "./cost.ts";
import { ECONOMY_CHECKS } from "./economy.ts";
import { errorsFirst, type Finding, findingsFrom } from "./finding.ts";
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
  const isOnAws = cluster.target === "aws";
  const split = cluster.ownSplit === null ? "the best split" : "your own split";
  return [
    {
      code: "model-does-not-fit",
      severity: "error",
      path: `backends[${backend.poolIndex}].${isOnAws ? "machine" : "memory"}`,
      message: `The model does not fit: with ${split}, ${backend.name} needs ${memorySize(memory.totalBytes)} and has ${capacityText(backend)}.`,
      remedy: remedy ?? {
        action: `give several pools more ${isOnAws ? "machines" : "memory"}`,
        or: [{ action: "choose a smaller model or a smaller quantization of it" }],
      },
    },
  ];
};

const frontFits: Check = ({ cluster, facts, placement }) => {
  if (placement === null || placement.front.totalBytes <= placement.front.capacityBytes) return [];
  const isOnAws = cluster.target === "aws";
  const needed = memorySize(Math.ceil(placement.front.totalBytes / memoryBytes("64 MiB")) * memoryBytes("64 MiB"));
  const remedy = isOnAws
    ? (cheapestFront(cluster, facts) ?? { action: `give the front a machine with more memory than ${needed}` })
    : (frontMemory(cluster, facts, placement) ?? { change: setting("front.memory", needed, "at least") });
  return [
    {
      code: "front-memory-too-small",
      severity: "error",
      path: "front.machine",
      message: `The front needs ${memorySize(placement.front.totalBytes)} and has ${capacityText(cluster.front)}.`,
      remedy,
    },
  ];
};

function frontMemory(cluster: Cluster, facts: ModelFacts, placement: Placement): Remedy | null {
  return backendsFit(placement) ? moreFrontMemory(cluster, facts) : null;
}

const splitIsNotTooLong: Check = ({ cluster, facts }) => {
  const given = cluster.ownSplit?.reduce((sum, count) => sum + count, 0) ?? 0;
  if (given <= facts.layers) return [];
  return [
    {
      code: "split-too-long",
      severity: "error",
      message: `Your own split assigns ${given} layers, but the model has ${facts.layers}.`,
      remedy: {
        change: withoutSplit(cluster).change,
        or: [{ action: `assign ${given - facts.layers} fewer` }],
      },
    },
  ];
};

const everyBackendHasLayers: Check = ({ cluster, facts, placement }) => {
  const count = cluster.backends.length;
  // `split-too-long` already covers an own split.
  if (placement !== null || count <= facts.layers || cluster.ownSplit !== null) return [];
  const remedy = fewerBackends(cluster, facts, facts.layers);
  return [
    {
      code: "more-backends-than-layers",
      severity: "error",
      path: "backends",
      message: `The model has only ${facts.layers} layers for ${count} backends: each must hold at least one.`,
      remedy: remedy ?? { action: `keep at most ${facts.layers} backends` },
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
      path: "backends",
      message: `There are ${count} backends${perGpu}, but llama.cpp takes at most ${MAX_BACKENDS}.`,
      remedy: remedy ?? { action: `lower the counts of the pools by ${surplus} in total` },
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
  const because = isOwn ? "Your own split does not assign every layer" : "The backends can't hold every layer";
  return [
    {
      code: "front-computes-layers",
      severity: "warning",
      path: "backends",
      message: `${because}: the front computes the first ${placement.frontLayers} itself, and the devices no longer work at the same time.`,
      remedy: remedy ?? { action: isOwn ? "assign the other layers too" : "give several pools more memory" },
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
      message: `Each slot has a context of ${slotContextTokens} tokens, but the model was trained with ${trained}: answers beyond that get worse.`,
      remedy:
        most === 0
          ? {
              action: `keep each prompt with its answer within ${trained} tokens`,
              note: `The context of a slot can't be shorter than ${CONTEXT_STEP_TOKENS} tokens.`,
              or: [{ action: "choose another model" }],
            }
          : { change: setting(path, most, "at most") },
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
      message: `The context of each slot must be a multiple of ${CONTEXT_STEP_TOKENS} tokens: llama.cpp uses ${used} tokens in total instead of ${model.contextTokens}.`,
      remedy: { change: setting("model.contextTokens", used) },
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
      message: `The planner does not know the architecture ${facts.architecture}: it assumes a full KV cache in every layer and guesses the compute buffers.`,
      remedy: {
        action: "leave a tenth of each backend's memory free, and compare the front's start-up log with the plan",
      },
    },
  ];
};

const modelIsHere: Check = ({ cluster, facts }) => {
  // Machines on EC2 get the model from a bucket.
  if (cluster.target === "aws" || isLocalSource(cluster.model.source)) return [];
  const path = `.models/${facts.fileName}`;
  return [
    {
      code: "model-elsewhere",
      severity: "warning",
      message: "The model is not on this machine: you can look at this plan, but you can't create the cluster yet.",
      remedy: { action: `download the model to ${path}`, change: setting("model.source", path) },
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
      message: `The file ${facts.source} differs from the one that ${LOCK_FILE} describes.`,
      remedy: {
        action: "if you want the new file, run `npm run plan` for this stack with --renew and commit the lock file",
        or: [{ action: "get the former file again" }],
      },
    },
  ];
};

const gpusAreNotShared: Check = ({ cluster }) =>
  cluster.pools.flatMap((pool) => {
    if (cluster.target === "aws" || pool.host.flavour !== "cuda" || pool.count === 1) return [];
    const { change } = withPoolValues(cluster, pool.index, { count: 1 });
    return {
      code: "gpu-shared",
      severity: "warning" as const,
      message: `The ${pool.count} backends of pool ${pool.name} all use the same GPU: the first one that they get.`,
      remedy: {
        change,
        or: [{ action: 'write one pool for each GPU, with count 1 and gpus "0", "1" and so on' }],
      },
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
  return errorsFirst(findingsFrom(CHECKS.flatMap((check) => check(situation))));
}
