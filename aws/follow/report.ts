/** Shows the progress of a start in a few lines. */

import type { NodeStatus, NodeStep } from "../machine-status.ts";
import type { BootMachine, Sighting } from "./machines.ts";
import { isPast, isReady } from "./status.ts";

/** A line for the user. */
export interface ReportLine {
  text: string;
  /** Whether the next line replaces it. */
  passing: boolean;
}

/** Turns the states of the machines into lines and repeats none. */
export class BootReport {
  readonly #front: string;
  readonly #backends: readonly string[];
  readonly #shown = new Map<string, string>();

  constructor(front: BootMachine, backends: readonly BootMachine[]) {
    this.#front = front.machine;
    this.#backends = backends.map(({ machine }) => machine);
  }

  /** Lines for what has changed since the last call. */
  lines(seen: ReadonlyMap<string, Sighting>): ReportLine[] {
    const statusOf = (machine: string) => seen.get(machine)?.status ?? null;
    const all = [this.#front, ...this.#backends].map(statusOf);
    const backends = this.#backends.map(statusOf);
    const front = statusOf(this.#front);
    const count = (among: readonly (NodeStatus | null)[], isSo: (status: NodeStatus) => boolean) =>
      `${among.filter((status) => status !== null && isSo(status)).length} of ${among.length}`;
    return [
      ...this.#changed("booted", `machines booted ${count(all, (s) => isPast(s, "booted"))}`),
      ...this.#changed("image", `images pulled ${count(all, (s) => isPast(s, "image"))}`),
      ...this.#frontLines(front),
      ...(backends.length === 0 ? [] : this.#changed("backends", `backends ${count(backends, isReady)}`)),
    ];
  }

  #frontLines(front: NodeStatus | null): ReportLine[] {
    if (front === null) return [];
    const model = isPast(front, "model")
      ? this.#changed("model", "model is complete")
      : front.step === "model" && front.text !== ""
        ? this.#changed("model", `model ${front.text}`, true)
        : [];
    const isCounted = ["booted", "image", "model", "backends"].includes(front.step);
    // The counts above show these steps, and the caller reports `ready`.
    if (isCounted || isReady(front)) return model;
    const text = `front: ${FRONT_STEPS[front.step] ?? front.step}`;
    return [...model, ...this.#changed("front", text), ...this.#changed("front text", `${text}, ${front.text}`, true)];
  }

  #changed(what: string, text: string, passing = false): ReportLine[] {
    const before = this.#shown.get(what);
    if (before === text) return [];
    this.#shown.set(what, text);
    // Do not start with a count of 0.
    return before === undefined && / 0 of \d+$/.test(text) ? [] : [{ text, passing }];
  }
}

const FRONT_STEPS: Partial<Record<NodeStep, string>> = {
  docker: "starting Docker",
  key: "fetching the API key",
  loading: "loading the model into the backends",
  serving: "asking for a first generation",
};

/** `4 min 12 s`. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
