import type { Report } from "../../setup/terminal.ts";

/** How one tool is found and come by. */
export interface Tool {
  /** Its program; null if it is not there. Quick. */
  find(): string | null;
  /**
   * Makes it be there.
   * @throws {Error} why it can't be had, with what would help
   */
  get(report: Report, signal: AbortSignal): Promise<void>;
}
