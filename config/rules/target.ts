/** Rules about what belongs to which target: where there are machines of a catalog, nobody writes their memory down. */

import { isLocalSource } from "../model-source.ts";
import { memory, noteOf } from "../schema/fields.ts";
import type { ClusterConfig } from "../schema/index.ts";
import { minutesOf } from "../time.ts";
import type { Rule, RuleProblem } from "./rule.ts";

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

/** Keys that say what a machine of the catalog is known to have. */
function machineEntries({ front, backends }: ClusterConfig): Entry[] {
  const holders = [
    { path: "front", ...front },
    ...backends.map((pool, index) => ({ path: `backends[${index}]`, ...pool })),
  ];
  return holders.flatMap(({ path, memory, threads, gpus }): Entry[] => [
    [`${path}.memory`, memory],
    [`${path}.threads`, threads],
    [`${path}.gpus`, gpus],
  ]);
}

const given = (entries: readonly Entry[]) => entries.filter(([, value]) => value !== undefined);
const missing = (entries: readonly Entry[]) => entries.filter(([, value]) => value === undefined);

export const keysBelongToTheTarget: Rule = ({ target, ...config }) => {
  const whole = { target, ...config };
  if (target === "docker") {
    return given(awsEntries(whole)).map(([path, value]) =>
      problem(path, value, "must not be given with target docker", `Remove it, or set target to "aws".`),
    );
  }
  return given(machineEntries(whole)).map(([path, value]) =>
    problem(path, value, "must not be given with target aws", "Remove it: the machine's type says it."),
  );
};

export const targetHasWhatItNeeds: Rule = ({ target, aws, front, backends }) => {
  if (target === "docker") {
    const { rule, remedy } = noteOf(memory());
    const sizes = backends.map(({ memory }, index): Entry => [`backends[${index}].memory`, memory]);
    return missing(sizes).map(([path]) => problem(path, undefined, `must be ${rule}`, remedy));
  }
  const machines: Entry[] = [
    ["front.machine", front.machine],
    ...backends.map(({ machine }, index): Entry => [`backends[${index}].machine`, machine]),
  ];
  return [
    ...missing([["aws", aws]]).map(([path]) =>
      problem(path, undefined, "must be given with target aws", "Write `region: us-east-1` below it."),
    ),
    ...missing(machines).map(([path]) =>
      problem(
        path,
        undefined,
        "must be the name of an EC2 instance type with target aws",
        'Write it like "g6e.xlarge" or "c8g.16xlarge"; `npm run advise` proposes some.',
      ),
    ),
  ];
};

export const dockerMountsTheModel: Rule = ({ target, model }, use) => {
  if (use === "plan" || target !== "docker" || isLocalSource(model.source)) return [];
  return [
    {
      path: "model.source",
      value: model.source,
      rule: `must be a file on this machine for target ${target}`,
      remedy: "Download it and give its path; `npm run plan` takes it as it is.",
      involves: ["model.source", "target"],
    },
  ];
};

export const splitIsWhole: Rule = ({ target, backends }) => {
  const without = backends.findIndex(({ layers }) => layers === undefined);
  return backends.flatMap(({ layers, count }, index) => {
    const path = `backends[${index}].layers`;
    if (layers === undefined) return [];
    if (without !== -1) {
      const other = `backends[${without}].layers`;
      const rule = `must be given for every pool or for none, and ${other} is missing`;
      return { path, value: layers, rule, remedy: `Give ${other} too, or remove it here.`, involves: [path, other] };
    }
    // How many backends a machine of the catalog runs, only the plan knows.
    if (target !== "docker" || layers.length === count) return [];
    return {
      path,
      value: layers,
      rule: `must have ${count} ${count === 1 ? "number" : "numbers"}, one for each backend of the pool`,
      remedy: `Write a list of ${count}, or change backends[${index}].count.`,
      involves: [path, `backends[${index}].count`],
    };
  });
};

export const scheduleHasHours: Rule = ({ target, limits: { schedule } }) => {
  // Target docker has no schedule at all, which is told by another rule.
  if (schedule === undefined || target === "docker") return [];
  const { days, start, stop } = schedule;
  const path = "limits.schedule";
  const repeated = days.flatMap((day, index): RuleProblem[] => {
    const first = days.indexOf(day);
    if (first === index) return [];
    const [here, other] = [`${path}.days[${index}]`, `${path}.days[${first}]`];
    const rule = `must differ from ${other}`;
    return [{ path: here, value: day, rule, remedy: "Name every day once.", involves: [here, other] }];
  });
  if (start !== stop) return [...repeated, ...hoursAreLongEnough(start, stop)];
  return [
    ...repeated,
    {
      path: `${path}.stop`,
      value: stop,
      rule: `must differ from ${path}.start`,
      remedy: `Give another time, or remove ${path} for machines that always run.`,
      involves: [`${path}.start`, `${path}.stop`],
    },
  ];
};

/** The front starts a little after the backends: it must not do so after its own stop. */
function hoursAreLongEnough(start: string, stop: string): RuleProblem[] {
  const minutes = (minutesOf(stop) - minutesOf(start) + DAY_MINUTES) % DAY_MINUTES;
  if (minutes >= LEAST_MINUTES) return [];
  const [path, other] = ["limits.schedule.stop", "limits.schedule.start"];
  return [
    {
      path,
      value: stop,
      rule: `must be at least ${LEAST_MINUTES} minutes after ${other}, ${start}`,
      remedy: "Give the machines time to start and to be used.",
      involves: [path, other],
    },
  ];
}

const DAY_MINUTES = 24 * 60;
const LEAST_MINUTES = 30;

function problem(path: string, value: unknown, rule: string, remedy: string): RuleProblem {
  return { path, value, rule, remedy, involves: [path, "target"] };
}
