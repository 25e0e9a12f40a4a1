/** Everything that the planner has to say about a cluster. Each kind of finding is one function. */

import { isLocalSource } from "../config/model-source.ts";
import { CONTEXT_STEP_TOKENS } from "../config/rules.ts";
import { MAX_BACKENDS } from "../config/schema.ts";
import { memoryBytes, memorySize } from "../config/units.ts";
import { FINDING_NUMBERS } from "./finding-numbers.ts";
import { ECONOMY_CHECKS } from "./findings-economy.ts";
import { capacityText, frontHost, poolHost, slotsOf } from "./machines.ts";
import { runSettings } from "./memory/settings.ts";
import { LOCK_FILE } from "./model/lock.ts";
import { cheapestFit, cheapestWithoutFrontLayers, moreFrontMemory } from "./remedies.ts";
import type { Check, Situation } from "./situation.ts";
import type { Finding } from "./types.ts";

const modelFits: Check = ({ config, facts, placement }) => {
  if (placement === null) return [];
  const over = placement.backends.map(({ totalBytes, capacityBytes }) => totalBytes - capacityBytes);
  const worst = over.indexOf(Math.max(...over));
  const slot = slotsOf(config)[worst];
  const memory = placement.backends[worst];
  if (slot === undefined || memory === undefined || memory.totalBytes <= memory.capacityBytes) return [];
  const path = `backends[${slot.poolIndex}].memory`;
  const remedy = cheapestFit(config, facts);
  return [
    {
      code: "model-does-not-fit",
      severity: "error",
      path: remedy?.change.path ?? path,
      message: `The model does not fit: with the best split, ${slot.pool.name}-${slot.index} needs ${memorySize(memory.totalBytes)} of its ${capacityText(slot)}.`,
      remedy:
        remedy?.sentence ??
        "Give several pools more memory, or choose a smaller model or a smaller quantization of it.",
      ...(remedy === null ? {} : { change: remedy.change }),
    },
  ];
};

const frontFits: Check = ({ config, facts, placement }) => {
  if (placement === null || placement.front.totalBytes <= placement.front.capacityBytes) return [];
  const backendsFit = placement.backends.every(({ totalBytes, capacityBytes }) => totalBytes <= capacityBytes);
  const needed = memorySize(Math.ceil(placement.front.totalBytes / memoryBytes("64 MiB")) * memoryBytes("64 MiB"));
  const remedy = backendsFit ? moreFrontMemory(config, facts) : null;
  return [
    {
      code: "front-memory-too-small",
      severity: "error",
      path: "front.memory",
      message: `The front needs ${memorySize(placement.front.totalBytes)} and has ${capacityText(frontHost(config))}.`,
      remedy: remedy?.sentence ?? `Set front.memory to at least ${needed}.`,
      change: remedy?.change ?? { path: "front.memory", value: needed },
    },
  ];
};

const everyBackendHasLayers: Check = ({ config, facts, placement }) => {
  if (placement !== null) return [];
  const slots = slotsOf(config);
  const surplus = slots.length - facts.layers;
  const pool = config.backends.findIndex(({ count }) => count > surplus);
  const path = `backends[${pool}].count`;
  const count = (config.backends[pool]?.count ?? 0) - surplus;
  return [
    {
      code: "more-backends-than-layers",
      severity: "error",
      path: pool === -1 ? "backends" : path,
      message: `The model has ${facts.layers} layers, too few for ${slots.length} backends: each must hold one at least.`,
      remedy: pool === -1 ? `Keep at most ${facts.layers} backends.` : `Set ${path} to at most ${count}.`,
      ...(pool === -1 ? {} : { change: { path, value: count } }),
    },
  ];
};

const notTooManyBackends: Check = ({ config }) => {
  const count = slotsOf(config).length;
  const surplus = count - MAX_BACKENDS;
  if (surplus <= 0) return [];
  const pool = config.backends.findIndex((candidate) => candidate.count > surplus);
  const path = `backends[${pool}].count`;
  const fewer = (config.backends[pool]?.count ?? 0) - surplus;
  return [
    {
      code: "too-many-backends",
      severity: "error",
      path: pool === -1 ? "backends" : path,
      message: `There are ${count} backends, and llama.cpp takes at most ${MAX_BACKENDS}.`,
      remedy: pool === -1 ? `Lower the counts by ${surplus} in all.` : `Set ${path} to at most ${fewer}.`,
      ...(pool === -1 ? {} : { change: { path, value: fewer } }),
    },
  ];
};

const frontComputesNothing: Check = ({ config, facts, placement }) => {
  if (placement === null || placement.frontLayers === 0 || !placement.fits) return [];
  const remedy = cheapestWithoutFrontLayers(config, facts);
  return [
    {
      code: "front-computes-layers",
      severity: "warning",
      path: remedy?.change.path ?? "backends",
      message: `The backends can't hold every layer: the front computes the first ${placement.frontLayers} itself, and the devices no longer overlap.`,
      remedy: remedy?.sentence ?? "Give several pools more memory.",
      ...(remedy === null ? {} : { change: remedy.change }),
    },
  ];
};

const contextIsTrained: Check = ({ config, facts }) => {
  const { slotContextTokens, slots } = runSettings(config);
  const trained = facts.trainedContextTokens;
  if (trained === 0 || slotContextTokens <= trained) return [];
  return [
    {
      code: "context-longer-than-trained",
      severity: "warning",
      path: "model.contextTokens",
      message: `Each slot has a context of ${slotContextTokens} tokens, and the model was trained with ${trained}: answers beyond that get worse.`,
      remedy: `Set model.contextTokens to at most ${trained * slots}.`,
      change: { path: "model.contextTokens", value: trained * slots },
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
  if (isLocalSource(config.model.source)) return [];
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
    return {
      code: "gpu-shared",
      severity: "warning" as const,
      path: `backends[${index}].gpus`,
      message: `The ${pool.count} backends of pool ${pool.name} all use the same GPU, the first of those handed to them.`,
      remedy: 'Write one pool for each GPU, with count 1 and gpus "0", "1" and so on.',
      change: { path: `backends[${index}].count`, value: 1 },
    };
  });

const CHECKS: readonly Check[] = [
  notTooManyBackends,
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
];

/** Every finding, errors first. */
export function findingsOf(situation: Situation): Finding[] {
  const order = ["error", "warning", "advice"];
  return CHECKS.flatMap((check) => check(situation))
    .map((observation) => ({ ...observation, number: FINDING_NUMBERS[observation.code] }))
    .sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}
