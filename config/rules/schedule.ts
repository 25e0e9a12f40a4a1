/** Rules about when the machines run. */

import { minutesOf } from "../time.ts";
import { broken, type Rule, type RuleProblem, repeated } from "./rule.ts";

const PATH = "limits.schedule";
const DAY_MINUTES = 24 * 60;
/** The front starts a few minutes after the backends, and it must not do so after its own stop. */
const LEAST_MINUTES = 30;

export const scheduleHasHours: Rule = ({ target, limits: { schedule } }) => {
  // `dockerKnowsTheKeys` reports every schedule with target docker.
  if (schedule === undefined || target === "docker") return [];
  const { days, start, stop } = schedule;
  return [
    ...repeated(days, (index) => `${PATH}.days[${index}]`, "Name every day once."),
    ...hoursAreLongEnough(start, stop),
  ];
};

function hoursAreLongEnough(start: string, stop: string): RuleProblem[] {
  const [path, other] = [`${PATH}.stop`, `${PATH}.start`];
  if (start === stop) {
    const remedy = `Give another time, or remove ${PATH} for machines that always run.`;
    return [broken(path, stop, `must differ from ${other}`, remedy, other)];
  }
  const minutes = (minutesOf(stop) - minutesOf(start) + DAY_MINUTES) % DAY_MINUTES;
  if (minutes >= LEAST_MINUTES) return [];
  const rule = `must be at least ${LEAST_MINUTES} minutes after ${other}, ${start}`;
  return [broken(path, stop, rule, "Give the machines time to start and to be used.", other)];
}

/** The scheduler stops machines as a person would, which protection is there to prevent. */
export const protectedMachinesNeverRest: Rule = ({ aws, limits }) => {
  if (aws?.protection !== true || limits.schedule === undefined) return [];
  return [
    broken(
      PATH,
      limits.schedule,
      "must not be given with aws.protection, which keeps the machines from being stopped",
      "Remove one of them, or let the machines stop themselves with limits.stopAfterIdleMinutes.",
      "aws.protection",
    ),
  ];
};
