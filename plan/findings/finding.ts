import type { Severity } from "../../config/words.ts";
import { changedPath } from "../remedies/change.ts";
import { type Remedy, remedyText } from "../remedies/remedy.ts";
import { FINDING_NUMBERS, type FindingCode } from "./codes.ts";

/** One thing that the planner reports, with what to do about it. */
export interface Finding {
  /** Stable identifier, documented in `docs/findings.md`: `model-does-not-fit`. */
  code: string;
  /** Its number in `docs/findings.md`: `F01`. */
  number: string;
  severity: Severity;
  /** Where the remedy changes the stack file, or where the problem is: `backends[0].memory`. Absent if neither is there. */
  path?: string;
  message: string;
  remedy: Remedy;
  /** The remedy in sentences. */
  remedyText: string;
}

/** What a check reports. */
export interface Observation {
  code: FindingCode;
  severity: Severity;
  /** Where in the stack file the problem is. Only needed if the remedy may have no change. */
  path?: string;
  message: string;
  remedy: Remedy;
}

/** Gives each observation its number, the path that its remedy changes, and the words of the remedy. */
export function findingsFrom(observations: readonly Observation[]): Finding[] {
  return observations.map(({ code, severity, message, remedy, path }) => {
    const place = remedy.change === undefined ? path : changedPath(remedy.change);
    return {
      code,
      number: FINDING_NUMBERS[code],
      severity,
      ...(place === undefined ? {} : { path: place }),
      message,
      remedy,
      remedyText: remedyText(remedy),
    };
  });
}

const ORDER: readonly Severity[] = ["error", "warning", "advice"];

/** Sorts errors first, then warnings; equally severe ones keep their order. */
export function errorsFirst(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
}
