/** The parts of the stack file that are about AWS: machines, what they may cost, and when they run. */

import * as z from "zod";
import { mapping, notes, oneOf } from "./fields.ts";
import { REGIONS } from "./regions.ts";

/** Days of a week as a schedule names them. */
export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/** An EC2 type; whether there is such a type, the catalog knows. */
export const machine = () =>
  z
    .string()
    .regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/)
    .register(notes, {
      rule: "the name of an EC2 instance type",
      remedy: 'Write it like "g6e.xlarge" or "c8g.16xlarge".',
      whenAbsent: "required with target aws, not allowed with target docker",
    });

export const market = () =>
  oneOf(["on-demand", "spot"], 'Write "spot" for machines that cost less and that EC2 may stop at any time.');

/** What target aws needs to know besides the machines. */
export const awsSchema = z
  .strictObject({
    region: oneOf(REGIONS, "Choose one of these; the catalog knows the prices of no other.").describe(
      "AWS region of the cluster.",
    ),
    vcpuQuotas: z
      .custom<Readonly<Record<string, number>>>(isQuotas)
      .default({})
      .register(notes, {
        rule: "a mapping of quota codes to whole numbers of vCPUs",
        remedy: 'Write it like { "L-DB2E81BA": 96 }; Service Quotas shows what your account has.',
      })
      .describe("vCPUs that your account may run, by quota code; what is not given is taken to have to be asked for."),
  })
  .register(notes, mapping("Write `region: us-east-1` below it, or leave the key out with target docker."));

const timeOfDay = () =>
  z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/)
    .register(notes, {
      rule: "a time of day from 00:00 to 23:59, in quotation marks",
      remedy: 'Write it like "08:00".',
    });

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
  .register(notes, mapping('Write `start: "08:00"` and `stop: "18:00"` below it, or leave the key out.'));

/** When the machines run. */
export type Schedule = z.output<typeof scheduleSchema>;

export const limitsSchema = z
  .strictObject({
    maxHourlyUsd: z
      .number()
      .positive()
      .optional()
      .register(notes, {
        rule: "a number of US dollars above 0",
        remedy: "Write it like 1.5, without a currency sign.",
        whenAbsent: "no limit",
      })
      .describe("US dollars per hour above which the preview is refused."),
    schedule: scheduleSchema
      .optional()
      .register(notes, { ...mapping('Write `start: "08:00"` and `stop: "18:00"` below it.'), whenAbsent: "always on" })
      .describe("When the machines of target aws run; costs per month go by it."),
  })
  .register(notes, mapping("Write `maxHourlyUsd: 1.5` below it, or leave the key out."));

function isQuotas(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([code, vcpus]) => /^L-[0-9A-F]{8}$/.test(code) && Number.isInteger(vcpus) && vcpus >= 0,
  );
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    // The constructor is the only way to ask.
    return false;
  }
}
