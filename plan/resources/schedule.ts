/** The schedule of the machines in the syntax of EventBridge Scheduler. */

import { at } from "../../config/collections.ts";
import type { Schedule } from "../../config/schema/limits.ts";
import { minutesOf } from "../../config/time.ts";

/** Starts and stops of the machines in the syntax of EventBridge Scheduler. */
export interface SchedulePlan {
  timeZone: string;
  /** `cron(…)`: backends start before the front and stop after it. */
  startBackends: string;
  startFront: string;
  stopFront: string;
  stopBackends: string;
}

/** The backends start this long before the front, so that the front waits less for them. */
const BACKENDS_AHEAD_MINUTES = 5;

/**
 * Cron expressions of EventBridge Scheduler (docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html). If the
 * stop is not after the start, it is on the day after each of the days.
 */
export function schedulePlan({ days, start, stop, timeZone }: Schedule): SchedulePlan {
  const starts = minutesOf(start);
  const stops = minutesOf(stop) > starts ? minutesOf(stop) : minutesOf(stop) + DAY_MINUTES;
  const cronAt = (minutes: number) => cron(days, minutes);
  return {
    timeZone,
    startBackends: cronAt(starts),
    startFront: cronAt(starts + BACKENDS_AHEAD_MINUTES),
    stopFront: cronAt(stops),
    stopBackends: cronAt(stops + 1),
  };
}

const DAY_MINUTES = 24 * 60;
const CRON_DAYS = { mon: 1, tue: 2, wed: 3, thu: 4, fri: 5, sat: 6, sun: 0 } as const;
const CRON_NAMES = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] as const;

function cron(days: Schedule["days"], minutes: number): string {
  const later = Math.floor(minutes / DAY_MINUTES);
  const names = days.map((day) => at(CRON_NAMES, (CRON_DAYS[day] + later) % 7));
  return `cron(${minutes % 60} ${Math.floor((minutes % DAY_MINUTES) / 60)} ? * ${names.join(",")} *)`;
}
