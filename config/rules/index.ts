/** Rules between fields of a stack's configuration: each field may be right by itself and the whole still wrong. */

import { CONTEXT_STEP_TOKENS, FIRST_BACKEND_OFFSET, MAX_BACKENDS } from "../bounds.ts";
import { isPrivate, parseNetwork } from "../cidr.ts";
import type { ClusterConfig } from "../schema/index.ts";
import { AWS_RULES } from "./aws.ts";
import { remedyForArgument } from "./front-arguments.ts";
import type { ConfigUse, Rule, RuleProblem } from "./rule.ts";
import {
  dockerMountsTheModel,
  keysBelongToTheTarget,
  scheduleHasHours,
  splitIsWhole,
  targetHasWhatItNeeds,
} from "./target.ts";

const poolNamesAreUnique: Rule = ({ backends }) =>
  backends.flatMap((pool, index) => {
    const path = `backends[${index}].name`;
    const first = backends.findIndex(({ name }) => name === pool.name);
    if (first === index) return [];
    return {
      path,
      value: pool.name,
      rule: `must differ from backends[${first}].name`,
      remedy: "Give every pool a name of its own, or raise the count of one pool instead of writing it twice.",
      involves: [path, `backends[${first}].name`],
    };
  });

const gpusNeedCuda: Rule = ({ target, front, backends }) => {
  if (target !== "docker") return [];
  const holders = [
    { path: "front", ...front },
    ...backends.map((pool, index) => ({ ...pool, path: `backends[${index}]` })),
  ];
  return holders.flatMap(({ path, flavour, gpus }) => {
    if (flavour === "cuda" || gpus === undefined) return [];
    return {
      path: `${path}.gpus`,
      value: gpus,
      rule: "must not be given with flavour cpu",
      remedy: `Remove it, or set ${path}.flavour to "cuda".`,
      involves: [`${path}.gpus`, `${path}.flavour`],
    };
  });
};

const notTooManyBackends: Rule = ({ backends }) => {
  const total = backends.reduce((sum, { count }) => sum + count, 0);
  if (total <= MAX_BACKENDS) return [];
  return [
    {
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
    {
      path: "model.contextTokens",
      value: model.contextTokens,
      rule: `must be at least ${CONTEXT_STEP_TOKENS} for each of the ${model.parallelSlots} parallel slots`,
      remedy: `Set model.contextTokens to at least ${least}, or lower model.parallelSlots.`,
      involves: ["model.contextTokens", "model.parallelSlots"],
    },
  ];
};

const microBatchFitsBatch: Rule = ({ model }) => {
  if (model.microBatchTokens <= model.batchTokens) return [];
  return [
    {
      path: "model.microBatchTokens",
      value: model.microBatchTokens,
      rule: `must not be above model.batchTokens, ${model.batchTokens}`,
      remedy: `Set model.microBatchTokens to at most ${model.batchTokens}, or raise model.batchTokens.`,
      involves: ["model.microBatchTokens", "model.batchTokens"],
    },
  ];
};

/** llama.cpp refuses to start otherwise (`src/llama-context.cpp`, "quantized V cache was requested"). */
const quantizedCacheNeedsFlashAttention: Rule = ({ model }) => {
  if (model.kvCacheType === "f16" || model.flashAttention !== "off") return [];
  return [
    {
      path: "model.kvCacheType",
      value: model.kvCacheType,
      rule: 'must be "f16" while model.flashAttention is "off"',
      remedy: 'Set model.flashAttention to "auto", or model.kvCacheType to "f16".',
      involves: ["model.kvCacheType", "model.flashAttention"],
    },
  ];
};

const privateNetworkFits: Rule = ({ access, backends }) => {
  const path = "access.privateCidr";
  const network = access.privateCidr === undefined ? null : parseNetwork(access.privateCidr);
  if (network === null) return [];
  if (!isPrivate(network)) {
    return [
      {
        path,
        value: access.privateCidr,
        rule: "must lie in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
        remedy: 'Choose a private network that nothing else uses, like "10.97.12.0/24".',
        involves: [path],
      },
    ];
  }
  const count = backends.reduce((sum, pool) => sum + pool.count, 0);
  // The first addresses stay free for the gateway and for what a person attaches; the last is the broadcast address.
  const needed = FIRST_BACKEND_OFFSET + count + 1;
  if (network.size >= needed) return [];
  const prefix = 32 - Math.ceil(Math.log2(needed));
  return [
    {
      path,
      value: access.privateCidr,
      rule: `must have room for ${count} backends, ${needed} addresses with those that are kept free`,
      remedy: `Choose a network with a prefix of at most /${prefix}.`,
      involves: [path, ...backends.map((_, index) => `backends[${index}].count`), "backends"],
    },
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
      return {
        path: `images.${flavour}.${role}`,
        value: undefined,
        rule: `must be given too where images.${flavour} is, as nothing is built for that flavour then`,
        remedy: `Give it, or remove images.${flavour} so that both images are built.`,
        involves: [`images.${flavour}`, `images.${flavour}.${role}`],
      };
    });
  });

const argumentsAreFree: Rule = ({ front }) =>
  front.arguments.flatMap((argument, index) => {
    const remedy = remedyForArgument(argument);
    if (remedy === null) return [];
    const path = `front.arguments[${index}]`;
    // What follows the equals sign may be a secret.
    const [flag] = argument.split("=", 1);
    return { path, value: flag, rule: "must not be an argument that the plan decides", remedy, involves: [path] };
  });

const RULES: readonly Rule[] = [
  targetHasWhatItNeeds,
  keysBelongToTheTarget,
  splitIsWhole,
  scheduleHasHours,
  dockerMountsTheModel,
  everySlotHasContext,
  microBatchFitsBatch,
  quantizedCacheNeedsFlashAttention,
  argumentsAreFree,
  gpusNeedCuda,
  poolNamesAreUnique,
  notTooManyBackends,
  privateNetworkFits,
  imagesComeInPairs,
  ...AWS_RULES,
];

/** Every rule that the configuration breaks. */
export function brokenRules(config: ClusterConfig, use: ConfigUse): RuleProblem[] {
  return RULES.flatMap((rule) => rule(config, use));
}
