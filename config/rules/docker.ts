/** Rules that only target docker knows. */

import { isLocalSource } from "../model-source.ts";
import { memory, noteOf } from "../schema/fields.ts";
import type { ClusterConfig } from "../schema/index.ts";
import { broken, type Rule } from "./rule.ts";

/** A key and its value, by path. */
type Entry = readonly [path: string, value: unknown];

/** Keys that only target aws knows. */
function awsEntries({ aws, front, backends, access, limits }: ClusterConfig): Entry[] {
  return [
    ["aws", aws],
    ["front.machine", front.machine],
    ["front.diskMebibytesPerSecond", front.diskMebibytesPerSecond],
    ...backends.flatMap(({ machine, market, reservation }, index): Entry[] => [
      [`backends[${index}].machine`, machine],
      [`backends[${index}].market`, market],
      [`backends[${index}].reservation`, reservation],
    ]),
    ...Object.entries(access).flatMap(([key, value]): Entry[] =>
      key === "privateCidr" ? [] : [[`access.${key}`, value]],
    ),
    ["limits.maxMonthlyUsd", limits.maxMonthlyUsd],
    ["limits.alarmEmail", limits.alarmEmail],
    ["limits.stopAfterIdleMinutes", limits.stopAfterIdleMinutes],
    ["limits.stopAfterHours", limits.stopAfterHours],
    ["limits.schedule", limits.schedule],
  ];
}

export const dockerHasWhatItNeeds: Rule = ({ target, backends }) => {
  if (target !== "docker") return [];
  const { rule, remedy } = noteOf(memory());
  return backends.flatMap(({ memory }, index) => {
    if (memory !== undefined) return [];
    return broken(`backends[${index}].memory`, undefined, `must be ${rule}`, remedy, "target");
  });
};

export const dockerKnowsTheKeys: Rule = (config) => {
  if (config.target !== "docker") return [];
  return awsEntries(config).flatMap(([path, value]) => {
    if (value === undefined) return [];
    return broken(path, value, "must not be given with target docker", 'Remove it, or set target to "aws".', "target");
  });
};

export const dockerMountsTheModel: Rule = ({ target, model }, use) => {
  if (use === "plan" || target !== "docker" || isLocalSource(model.source)) return [];
  return [
    broken(
      "model.source",
      model.source,
      `must be a file on this machine for target ${target}`,
      "Download it and give its path; `npm run plan` takes it unchanged.",
      "target",
    ),
  ];
};

export const gpusNeedCuda: Rule = ({ target, front, backends }) => {
  if (target !== "docker") return [];
  const holders = [
    { path: "front", ...front },
    ...backends.map((pool, index) => ({ ...pool, path: `backends[${index}]` })),
  ];
  return holders.flatMap(({ path, flavour, gpus }) => {
    if (flavour === "cuda" || gpus === undefined) return [];
    return broken(
      `${path}.gpus`,
      gpus,
      "must not be given with flavour cpu",
      `Remove it, or set ${path}.flavour to "cuda".`,
      `${path}.flavour`,
    );
  });
};
