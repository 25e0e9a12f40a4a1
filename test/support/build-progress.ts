/** What a long image build does just now, from the plain progress that `docker buildx build` prints. */

import { execa } from "execa";
import { duration } from "../../setup/terminal.ts";

const EVERY_MS = 15_000;

/** The longest text of a build step that is shown. */
const MOST_CHARACTERS = 80;

/** Reads a build's output line by line and sums up how far it is. */
export class BuildProgress {
  #step = "starting";
  #compiled: { done: number; total: number } | null = null;

  /** @param line as `--progress plain` prints it: `#12 [compile 3/5] RUN …`, `#12 35.1 [45/300] Building CXX object …` */
  read(line: string): void {
    const step = /^#\d+ (\[[^\]]+ \d+\/\d+\] .*)$/.exec(line)?.[1];
    if (step !== undefined) {
      this.#step = step.slice(0, MOST_CHARACTERS);
      this.#compiled = null;
    }
    const [, done, total] = /^#\d+ [\d.]+ \[ *(\d+)\/(\d+)\] /.exec(line) ?? [];
    if (done !== undefined && total !== undefined) this.#compiled = { done: Number(done), total: Number(total) };
  }

  /** What is done just now; while something is compiled, how many of how many objects are there. */
  toString(): string {
    return this.#compiled === null ? this.#step : `${this.#compiled.done} of ${this.#compiled.total} objects compiled`;
  }
}

/**
 * Says at intervals how far a build is, until it is disposed.
 * @param say gets a line with the time since the start
 */
export function reportProgress(
  name: string,
  progress: BuildProgress,
  say = console.log,
  everyMs = EVERY_MS,
): Disposable {
  const began = Date.now();
  const timer = setInterval(() => say(`  ${name}: ${progress}, ${duration(Date.now() - began)} so far`), everyMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Runs `docker` with the arguments of a build with plain progress, and says at intervals how far it is. */
export async function buildWithProgress(
  name: string,
  args: readonly string[],
): Promise<{ exitCode: number; all: string }> {
  const progress = new BuildProgress();
  using _report = reportProgress(name, progress);
  const child = execa("docker", [...args], { reject: false, all: true });
  for await (const line of child.iterable({ from: "all" })) progress.read(line);
  const { exitCode = 1, all } = await child;
  return { exitCode, all };
}
