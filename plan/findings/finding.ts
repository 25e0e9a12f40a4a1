import type { Severity } from "../../config/words.ts";
import type { ConfigChange } from "../remedies/change.ts";

/** One thing that the planner has to say, with what to do about it. */
export interface Finding {
  /** Stable identifier, documented in `docs/findings.md`: `model-does-not-fit`. */
  code: string;
  /** Its number in `docs/findings.md`: `F01`. */
  number: string;
  severity: Severity;
  /** Where in the stack file the remedy is applied, such as `backends[0].memory`; absent if nowhere in particular. */
  path?: string;
  message: string;
  /** One sentence that says what to change. */
  remedy: string;
  /** The remedy as a change of the configuration, where it is one; the planner has checked that it helps. */
  change?: ConfigChange;
}
