import type { Report } from "../../setup/terminal.ts";

/** How to find and install one tool. */
export interface Tool {
  /** Its program; null if it is missing. Fast. */
  find(): string | null;
  /**
   * Installs it.
   * @throws {Error} with the reason and the remedy
   */
  get(report: Report, signal: AbortSignal): Promise<void>;
}
