/** The split for speed of a configuration: what `plan/placement/fast-split.ts` has to know of its machines and its model. */

import type { ClusterConfig } from "../../config/schema/index.ts";
import { frontHost, slotsOf } from "../hosts/hosts.ts";
import { runSettings } from "../memory/settings.ts";
import type { ModelFacts } from "../model/facts.ts";
import { workOf } from "../speed/model.ts";
import { deviceSpeed, linkBetween } from "../speed/rates.ts";
import { sumOf } from "../speed/work.ts";
import type { NeededBytes } from "./even-split.ts";
import { type FastDevice, type FastSplitProblem, fastestSplit } from "./fast-split.ts";

/**
 * Tokens of a prompt that are read for each token of an answer: what people ask with is longer than what they are
 * answered, and most of it is read once, as the cache keeps it. It decides only how much a split weighs prompts.
 */
const PROMPT_TOKENS_PER_ANSWER_TOKEN = 4;

/** What is to be split. */
type Question = Pick<FastSplitProblem, "layers" | "pipelined"> & { needed: NeededBytes };

/**
 * Layers of each backend in the fastest split that fits; null if none does, or where speeds are not known because
 * machines are the user's own.
 */
export function speedSplit(config: ClusterConfig, facts: ModelFacts, question: Question): number[] | null {
  const front = frontHost(config).type;
  const slots = slotsOf(config);
  const kinds = new Map<string, number>();
  const kindOf = (name: string) => {
    const kind = kinds.get(name) ?? kinds.size;
    kinds.set(name, kind);
    return kind;
  };
  const devices: FastDevice[] = [];
  const speeds = slots.flatMap(({ type, flavour, capacityBytes }) => {
    if (front === null || type === null) return [];
    devices.push({ capacityBytes, memoryKind: kindOf(flavour), speedKind: kindOf(`${type.name} ${flavour}`) });
    return [deviceSpeed(type, linkBetween(front, type), flavour)];
  });
  if (speeds.length < slots.length) return null;

  const work = workOf(config, facts);
  const { microBatchTokens } = runSettings(config);
  const last = slots.length - 1;
  const seconds = (device: number, first: number, count: number, ask: "token" | "prompt") => {
    const speed = speeds[device];
    if (speed === undefined) throw new Error(`there is no device ${device}`);
    const run = { first, count, holdsOutput: device === last };
    if (ask === "token") return sumOf(work.token(speed, run));
    return (sumOf(work.microBatch(speed, run, microBatchTokens)) * PROMPT_TOKENS_PER_ANSWER_TOKEN) / microBatchTokens;
  };
  const split = fastestSplit({
    ...question,
    devices,
    token: (device, first, count) => seconds(device, first, count, "token"),
    prompt: (device, first, count) => seconds(device, first, count, "prompt"),
  });
  return split?.counts ?? null;
}
