import * as z from "zod";
import { WEEKDAYS } from "../time.ts";
import { absent, mapping, notes, oneOf, wholeNumber, written } from "./fields.ts";

const timeOfDay = () =>
  written(
    /^([01]\d|2[0-3]):[0-5]\d$/,
    "a time of day from 00:00 to 23:59, in quotation marks",
    'Write it like "08:00".',
  );

const scheduleSchema = z
  .strictObject({
    days: z
      .array(oneOf(WEEKDAYS, "Write the first three letters of each day."))
      .min(1)
      .default([...WEEKDAYS])
      .register(notes, { rule: "a list of days", remedy: "Write it like [mon, tue, wed, thu, fri]." })
      .describe("Days on which the machines run."),
    start: timeOfDay().describe("When the machines are started."),
    stop: timeOfDay().describe("When they are stopped: later on the same day, or the next day if it is earlier."),
    timeZone: z
      .string()
      .refine(isTimeZone)
      .default("UTC")
      .register(notes, {
        rule: "the name of a time zone",
        remedy: 'Write it like "Europe/Berlin"; leave it out for UTC.',
      })
      .describe("Time zone of start and stop."),
  })
  .register(notes, mapping('Write `start: "08:00"` and `stop: "18:00"` below it.'));

/** When the machines run. */
export type Schedule = z.output<typeof scheduleSchema>;

const dollars = (example: number) =>
  z
    .number()
    .positive()
    .register(notes, {
      rule: "a number of US dollars above 0",
      remedy: `Write it like ${example}, without a currency sign.`,
    });

export const limitsSchema = z
  .strictObject({
    maxHourlyUsd: absent(dollars(1.5), "no limit").describe("US dollars per hour above which the preview is refused."),
    maxMonthlyUsd: absent(dollars(400), "no limit").describe(
      "US dollars per month above which the preview is refused; with `limits.alarmEmail` a budget watches it too.",
    ),
    alarmEmail: absent(
      z.email().register(notes, { rule: "an e-mail address", remedy: 'Write it like "ops@example.com".' }),
      "nobody is notified; not allowed with target docker",
    ).describe("Who is notified when the budget is used up, a machine is broken or the public front does not answer."),
    stopAfterIdleMinutes: absent(
      wholeNumber(10, 10_080, "Give the minutes without a request after which the machines stop, like 60."),
      "never; not allowed with target docker",
    ).describe("Minutes without a request after which the machines of target aws stop themselves."),
    stopAfterHours: absent(
      wholeNumber(1, 8760, "Give the hours after each start after which the machines stop, like 8."),
      "never; not allowed with target docker",
    ).describe("Hours after each start after which the machines of target aws stop themselves."),
    schedule: absent(scheduleSchema, "always on").describe(
      "When the machines of target aws run; the costs per month follow from it.",
    ),
  })
  .register(notes, mapping("Write `maxHourlyUsd: 1.5` below it, or leave the key out."));

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    // The constructor is the only way to ask.
    return false;
  }
}
