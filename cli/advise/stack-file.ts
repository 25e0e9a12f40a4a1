/** Writes the stack file of a proposed cluster. */

import { stringify } from "yaml";
import { PROJECT_NAME } from "../../config/stack.ts";
import type { Advice } from "../../plan/advise/search.ts";
import { roundUsd } from "../../report/amounts.ts";
import { speedText } from "../../report/text-advice.ts";

/** A stack file with the arguments and the proposed machines; defaults apply to everything else. */
export function stackFile({ config, speed, cost, usdPerHour }: Advice, modelName: string): string {
  const { model, limits } = config;
  const sections = {
    target: config.target,
    aws: { region: config.aws?.region },
    model: {
      source: model.source,
      contextTokens: model.contextTokens,
      parallelSlots: model.parallelSlots,
      kvCacheType: model.kvCacheType,
    },
    front: { machine: config.front.machine },
    backends: config.backends.map(({ name, machine, market, count }) => ({
      name,
      machine,
      count,
      ...(market === undefined ? {} : { market }),
    })),
    ...(limits.maxHourlyUsd === undefined ? {} : { limits: { maxHourlyUsd: limits.maxHourlyUsd } }),
  };
  const keyed = Object.fromEntries(Object.entries(sections).map(([key, value]) => [`${PROJECT_NAME}:${key}`, value]));
  const about = [
    `# ${oneLine(modelName)}, proposed by npm run advise: about ${speedText(speed.decode)} tokens per second`,
    `# for about ${roundUsd(usdPerHour)} US dollars per hour, by prices as of ${cost.asOf}.`,
  ];
  return `${about.join("\n")}\n${stringify({ config: keyed }, { lineWidth: 0 })}`;
}

/** One line, because the name comes from the model's file and a comment ends with its line. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, " ");
}
