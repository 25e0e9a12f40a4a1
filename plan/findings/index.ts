/** Everything that the planner has to say about a cluster. Each kind of finding is one function. */

import { CONTEXT_STEP_TOKENS, MAX_BACKENDS } from "../../config/bounds.ts";
import { isLocalSource } from "../../config/model-source.ts";
import type { ClusterConfig } from "../../config/schema/index.ts";
import { type MemorySize, memoryBytes, memorySize } from "../../config/units.ts";
import { capacityText, frontHost, poolHost, slotsOf } from "../hosts/hosts.ts";
import { runSettings } from "../memory/settings.ts";
import type { ModelFacts } from "../model/facts.ts";
import { LOCK_FILE } from "../model/lock.ts";
import { ownSplit, type Placement } from "../placement/index.ts";
import { cheapestFitOnAws, cheapestFront, cheapestWithoutFrontLayersOnAws, fewerBackends } from "../remedies/aws.ts";
import { backendsOf, poolChange, withoutLayersText, withoutSplit } from "../remedies/candidates.ts";
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

const modelFits: Check = ({ config, facts, placement }) => {
  if (placement === null) return [];
  const over = placement.backends.map(({ totalBytes, capacityBytes }) => totalBytes - capacityBytes);
  const worst = over.indexOf(Math.max(...over));
  const slot = slotsOf(config)[worst];
  const memory = placement.backends[worst];
  if (slot === undefined || memory === undefined || memory.totalBytes <= memory.capacityBytes) return [];
  const remedy = config.aws === undefined ? cheapestFit(config, facts) : cheapestFitOnAws(config, facts);
  const split = ownSplit(config) === null ? "with the best split" : "with your own split";
  return [
    {
      code: "model-does-not-fit",
      severity: "error",
      path: remedy?.change.path ?? `backends[${slot.poolIndex}].${config.aws === undefined ? "memory" : "machine"}`,
      message: `The model does not fit: ${split}, ${slot.pool.name}-${slot.index} needs ${memorySize(memory.totalBytes)} of its ${capacityText(slot)}.`,
      remedy:
        remedy?.sentence ??
        `Give several pools more ${config.aws === undefined ? "memory" : "machines"}, or choose a smaller model or a smaller quantization of it.`,
      ...changeOf(remedy),
    },
  ];
};

const frontFits: Check = ({ config, facts, placement }) => {
  if (placement === null || placement.front.totalBytes <= placement.front.capacityBytes) return [];
  const isOnAws = config.aws !== undefined;
  const needed = memorySize(Math.ceil(placement.front.totalBytes / memoryBytes("64 MiB")) * memoryBytes("64 MiB"));
  const remedy = isOnAws ? cheapestFront(config, facts) : (frontMemory(config, facts, placement) ?? atLeast(needed));
  return [
    {
      code: "front-memory-too-small",
      severity: "error",
      path: isOnAws ? "front.machine" : "front.memory",
      message: `The front needs ${memorySize(placement.front.totalBytes)} and has ${capacityText(frontHost(config))}.`,
      remedy: remedy?.sentence ?? `Give the front a machine with more memory than ${needed}.`,
      ...changeOf(remedy),
    },
  ];
};

function frontMemory(config: ClusterConfig, facts: ModelFacts, placement: Placement): Remedy | null {
  return backendsFit(placement) ? moreFrontMemory(config, facts) : null;
}

function atLeast(needed: MemorySize): Remedy {
  return { change: { path: "front.memory", value: needed }, sentence: `Set front.memory to at least ${needed}.` };
}

const splitIsNotTooLong: Check = ({ config, facts }) => {
  const split = ownSplit(config);
  const given = split?.reduce((sum, count) => sum + count, 0) ?? 0;
  if (given <= facts.layers) return [];
  return [
    {
      code: "split-too-long",
      severity: "error",
      path: "backends",
      message: `Your own split gives out ${given} layers, and the model has ${facts.layers}.`,
      remedy: `Give out ${given - facts.layers} fewer, or leave layers out of every pool.`,
      change: { path: "backends", value: withoutSplit(config).backends },
    },
  ];
};

const everyBackendHasLayers: Check = ({ config, facts, placement }) => {
  const count = slotsOf(config).length;
  // Of a split that is too long there is a word already.
  if (placement !== null || count <= facts.layers || ownSplit(config) !== null) return [];
  const remedy = fewerBackends(config, facts, facts.layers);
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

const notTooManyBackends: Check = ({ config, facts }) => {
  const count = slotsOf(config).length;
  const surplus = count - MAX_BACKENDS;
  if (surplus <= 0) return [];
  const remedy = fewerBackends(config, facts, MAX_BACKENDS);
  const perGpu = config.backends.some((pool) => backendsOf(pool) > pool.count) ? ", one for each GPU" : "";
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

const frontComputesNothing: Check = ({ config, facts, placement }) => {
  if (placement === null || placement.frontLayers === 0 || !placement.fits) return [];
  const isOwn = ownSplit(config) !== null;
  const find = config.aws === undefined ? cheapestWithoutFrontLayers : cheapestWithoutFrontLayersOnAws;
  const remedy = find(config, facts);
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

const contextIsTrained: Check = ({ config, facts }) => {
  const { slotContextTokens, slots } = runSettings(config);
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

const contextIsWhole: Check = ({ config }) => {
  const { slotContextTokens, slots } = runSettings(config);
  const used = slotContextTokens * slots;
  if (used === config.model.contextTokens) return [];
  return [
    {
      code: "context-rounded",
      severity: "advice",
      path: "model.contextTokens",
      message: `The context of each slot is rounded up to ${CONTEXT_STEP_TOKENS} tokens: llama.cpp uses ${used} instead of ${config.model.contextTokens}.`,
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

const modelIsHere: Check = ({ config, facts }) => {
  // Machines on EC2 get the model from a bucket, wherever it is now.
  if (config.aws !== undefined || isLocalSource(config.model.source)) return [];
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

const gpusAreNotShared: Check = ({ config }) =>
  config.backends.flatMap((pool, index) => {
    if (poolHost(pool).flavour !== "cuda" || pool.count === 1 || pool.machine !== undefined) return [];
    const { change, config: changed, what } = poolChange(config, index, "count", 1);
    return {
      code: "gpu-shared",
      severity: "warning" as const,
      path: change.path,
      message: `The ${pool.count} backends of pool ${pool.name} all use the same GPU, the first of those handed to them.`,
      remedy: `Set ${what}${withoutLayersText(config, changed)}, or write one pool for each GPU, with count 1 and gpus "0", "1" and so on.`,
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
