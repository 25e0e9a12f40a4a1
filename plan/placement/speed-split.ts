/** The split for speed of a cluster: translates its machines and its model for `plan/placement/fast-split.ts`. */

import { at } from "../../config/collections.ts";
import type { Cluster } from "../hosts/cluster.ts";
import type { ModelFacts } from "../model/facts.ts";
import { workOf } from "../speed/model.ts";
import { deviceSpeed, linkBetween } from "../speed/rates.ts";
import { sumOf } from "../speed/work.ts";
import type { NeededBytes } from "./even-split.ts";
import { type FastDevice, type FastSplitProblem, fastestSplit } from "./fast-split.ts";

/**
 * Tokens of a prompt that are read for each token of an answer. Prompts are longer than answers, and most of a prompt is
 * read once, because the cache keeps it. The number decides only how much weight a split gives to prompts.
 */
const PROMPT_TOKENS_PER_ANSWER_TOKEN = 4;

/** The layers to split and the bytes that they need. */
type Question = Pick<FastSplitProblem, "layers" | "pipelined"> & { needed: NeededBytes };

/**
 * Number of layers of each backend in the fastest split that fits. Null if none fits, and with target docker, because the
 * speed of the user's machine is unknown.
 */
export function fastestSplitOf(cluster: Cluster, facts: ModelFacts, question: Question): number[] | null {
  if (cluster.target === "docker") return null;
  const { front, backends, settings } = cluster;
  const kinds = new Map<string, number>();
  const kindOf = (name: string) => {
    const kind = kinds.get(name) ?? kinds.size;
    kinds.set(name, kind);
    return kind;
  };
  const devices = backends.map(
    ({ type, flavour, capacityBytes }): FastDevice => ({
      capacityBytes,
      memoryKind: kindOf(flavour),
      speedKind: kindOf(`${type.name} ${flavour}`),
    }),
  );
  const speeds = backends.map(({ type, flavour }) => deviceSpeed(type, linkBetween(front.type, type), flavour));

  const work = workOf(settings, facts);
  const { microBatchTokens } = settings;
  const last = backends.length - 1;
  const seconds = (device: number, first: number, count: number, ask: "token" | "prompt") => {
    const speed = at(speeds, device);
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
