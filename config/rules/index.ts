/** Rules between fields of a stack's configuration: each field may be right by itself and the whole still wrong. */

import { batchesOf } from "../batches.ts";
import { CONTEXT_STEP_TOKENS, MAX_BACKENDS } from "../bounds.ts";
import type { ClusterConfig } from "../schema/index.ts";
import {
  awsHasWhatItNeeds,
  awsKnowsTheKeys,
  hashesAreOfImports,
  imagesAreReachable,
  reservationsFitTheirMarket,
  tokenIsForHuggingFace,
  zoneLiesInRegion,
} from "./aws.ts";
import { dockerHasWhatItNeeds, dockerKnowsTheKeys, dockerMountsTheModel, gpusNeedCuda } from "./docker.ts";
import { argumentsAreFree } from "./front-arguments.ts";
import {
  accessHasWhatItsModeNeeds,
  domainLiesInItsZone,
  existingNetworkIsWhole,
  networksAreNamedOnce,
  poolsHaveAddresses,
  privateNetworkFits,
  vpcHasItsSize,
} from "./network.ts";
import { broken, type ConfigUse, type Rule, type RuleProblem, repeated } from "./rule.ts";
import { protectedMachinesNeverRest, scheduleHasHours } from "./schedule.ts";
import { splitIsWhole } from "./split.ts";

const poolNamesAreUnique: Rule = ({ backends }) =>
  repeated(
    backends.map(({ name }) => name),
    (index) => `backends[${index}].name`,
    "Give every pool a name of its own, or raise the count of one pool instead of writing it twice.",
  );

const notTooManyBackends: Rule = ({ backends }) => {
  const total = backends.reduce((sum, { count }) => sum + count, 0);
  if (total <= MAX_BACKENDS) return [];
  return [
    {
      // No pool alone is to blame, so the path names all of them.
      path: "backends[].count",
      value: backends.map(({ count }) => count),
      rule: `must add up to at most ${MAX_BACKENDS}`,
      remedy: `Lower the counts by ${total - MAX_BACKENDS} in all and give each backend more memory.`,
      involves: backends.map((_, index) => `backends[${index}].count`),
    },
  ];
};

const everySlotHasContext: Rule = ({ model }) => {
  const least = model.parallelSlots * CONTEXT_STEP_TOKENS;
  if (model.contextTokens >= least) return [];
  return [
    broken(
      "model.contextTokens",
      model.contextTokens,
      `must be at least ${CONTEXT_STEP_TOKENS} for each of the ${model.parallelSlots} parallel slots`,
      `Set model.contextTokens to at least ${least}, or lower model.parallelSlots.`,
      "model.parallelSlots",
    ),
  ];
};

const microBatchFitsBatch: Rule = ({ model, front }) => {
  const { batchTokens } = batchesOf({ model, front });
  if (model.microBatchTokens === undefined || model.microBatchTokens <= batchTokens) return [];
  return [
    broken(
      "model.microBatchTokens",
      model.microBatchTokens,
      `must not be above model.batchTokens, ${batchTokens}`,
      `Set model.microBatchTokens to at most ${batchTokens}, or raise model.batchTokens.`,
      "model.batchTokens",
    ),
  ];
};

const embeddingsFitTheirBatch: Rule = ({ model, front }) => {
  if (!front.embeddings) return [];
  const { slotContextTokens } = batchesOf({ model, front });
  return (["batchTokens", "microBatchTokens"] as const).flatMap((key) => {
    const tokens = model[key];
    if (tokens === undefined || tokens >= slotContextTokens) return [];
    return broken(
      `model.${key}`,
      tokens,
      `must be at least ${slotContextTokens} with front.embeddings, because llama.cpp computes an input as long as a slot's context at once`,
      "Remove it and the plan sets it, or lower model.contextTokens.",
      "front.embeddings",
      "model.contextTokens",
      "model.parallelSlots",
    );
  });
};

/** llama.cpp refuses to start otherwise (`src/llama-context.cpp`, "quantized V cache was requested"). */
const quantizedCacheNeedsFlashAttention: Rule = ({ model }) => {
  if (model.kvCacheType === "f16" || model.flashAttention !== "off") return [];
  return [
    broken(
      "model.kvCacheType",
      model.kvCacheType,
      'must be "f16" while model.flashAttention is "off"',
      'Set model.flashAttention to "auto", or model.kvCacheType to "f16".',
      "model.flashAttention",
    ),
  ];
};

const imagesComeInPairs: Rule = ({ images, front, backends }) =>
  (["cpu", "cuda"] as const).flatMap((flavour) => {
    const given = images[flavour];
    if (given === undefined) return [];
    const needed = new Set<"backend" | "server">();
    if (front.flavour === flavour) needed.add("server");
    if (backends.some((pool) => (pool.flavour ?? "cpu") === flavour)) needed.add("backend");
    return [...needed].flatMap((role) => {
      if (given[role] !== undefined) return [];
      return broken(
        `images.${flavour}.${role}`,
        undefined,
        `must be given too if images.${flavour} is, because nothing is built for that flavour then`,
        `Give it, or remove images.${flavour} so that both images are built.`,
        `images.${flavour}`,
      );
    });
  });

/** The order is the order of the messages. */
const RULES: readonly Rule[] = [
  dockerHasWhatItNeeds,
  awsHasWhatItNeeds,
  dockerKnowsTheKeys,
  awsKnowsTheKeys,
  splitIsWhole,
  scheduleHasHours,
  dockerMountsTheModel,
  everySlotHasContext,
  microBatchFitsBatch,
  embeddingsFitTheirBatch,
  quantizedCacheNeedsFlashAttention,
  argumentsAreFree,
  gpusNeedCuda,
  poolNamesAreUnique,
  notTooManyBackends,
  privateNetworkFits,
  imagesComeInPairs,
  accessHasWhatItsModeNeeds,
  networksAreNamedOnce,
  domainLiesInItsZone,
  zoneLiesInRegion,
  vpcHasItsSize,
  hashesAreOfImports,
  tokenIsForHuggingFace,
  poolsHaveAddresses,
  existingNetworkIsWhole,
  reservationsFitTheirMarket,
  protectedMachinesNeverRest,
  imagesAreReachable,
];

/** Every rule that the configuration breaks. */
export function brokenRules(config: ClusterConfig, use: ConfigUse): RuleProblem[] {
  return RULES.flatMap((rule) => rule(config, use));
}
