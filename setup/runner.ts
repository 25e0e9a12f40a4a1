/** Runs set-up steps: looks what is there, says what it will do, does only what is missing. */
import { UserError } from "../config/errors.ts";
import { duration, type Report, type Terminal } from "./terminal.ts";

/** One way to come by something. */
export interface Way {
  /** Completes "by …": `Pulumi's own archive`. */
  how: string;
  /** How long it usually takes, in words. */
  typical: string;
  /** Why this way can't be gone on this machine, as a sentence with what would help; null if it can. */
  blocked(): Promise<string | null>;
  /** What it installs or changes outside the project. */
  systemWide?(): Promise<string[]>;
  run(report: Report, signal: AbortSignal): Promise<void>;
}

/** One small thing that set-up provides. */
export interface Step {
  name: string;
  /** What it is for, in a few words. */
  why: string;
  /** Steps of one lane run one after the other; the lanes run side by side. */
  lane: "build" | "fetch";
  /** Names of steps whose result this one's ways use. */
  needs?: readonly string[];
  /** What is there, in words; null if it isn't. */
  have(): Promise<string | null>;
  /** The official way. */
  get: Way;
  /** The way over package registries, where the official one is blocked or fails. */
  getWithoutDownloads?: Way;
}

/** Set-up can't be completed; the message says what was tried and what to do. */
export class SetupError extends UserError {
  override readonly name = "SetupError";
}

/** A missing step and the ways that are open to it, best first. */
export interface Choice {
  step: Step;
  ways: Way[];
  /** Ways that are blocked, with the reason. */
  blocked: string[];
}

/** Looks which ways are open to a step. */
export async function choose(step: Step): Promise<Choice> {
  const choice: Choice = { step, ways: [], blocked: [] };
  const { get, getWithoutDownloads } = step;
  for (const way of [get, getWithoutDownloads]) {
    if (!way) continue;
    const reason = await way.blocked();
    if (reason === null) choice.ways.push(way);
    else choice.blocked.push(`${way.how}: ${reason}`);
    if (reason === null && way === get) {
      // The second way is looked at only if the first fails; it may still be open then.
      if (getWithoutDownloads) choice.ways.push(getWithoutDownloads);
      break;
    }
  }
  return choice;
}

/** Says what stands in the way of the steps that no way is open to; null if there are none. */
export function deadEnds(choices: readonly Choice[]): string | null {
  const stuck = choices.filter((choice) => choice.ways.length === 0);
  if (stuck.length === 0) return null;
  const parts = stuck.map(
    ({ step, blocked }) =>
      `${step.name} (${step.why}) can't be had:\n${blocked.map((reason) => `  - ${reason}`).join("\n")}`,
  );
  return `${parts.join("\n")}\nNothing was installed. Run this again when that is mended.`;
}

/** The steps to run, less what is there already, in words for each. */
export async function missingOf(steps: readonly Step[]): Promise<{ present: Map<string, string>; missing: Step[] }> {
  const found = await Promise.all(steps.map((step) => step.have()));
  const present = new Map<string, string>();
  const missing: Step[] = [];
  for (const [index, step] of steps.entries()) {
    const what = found[index];
    if (what === null || what === undefined) missing.push(step);
    else present.set(step.name, what);
  }
  return { present, missing };
}

/** Prints what will be done, with everything that reaches outside the project named first. */
async function announce(choices: readonly Choice[], terminal: Terminal): Promise<void> {
  for (const { step, ways, blocked } of choices) {
    const way = ways[0];
    if (!way) continue;
    terminal.line(`  get   ${step.name} (${step.why}) by ${way.how}, ${way.typical}`);
    for (const reason of blocked) terminal.line(`          not by ${reason}`);
  }
  const outside = await Promise.all(choices.map(async ({ ways }) => (await ways[0]?.systemWide?.()) ?? []));
  const named = [...new Set(outside.flat())];
  terminal.line(
    named.length === 0
      ? "Nothing outside this project's folder is installed or changed."
      : ["Outside this project's folder:", ...named.map((line) => `  - ${line}`)].join("\n"),
  );
}

async function runChoice({ step, ways, blocked }: Choice, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const tried = [...blocked];
  for (const [index, way] of ways.entries()) {
    if (index > 0) {
      const reason = await way.blocked();
      if (reason !== null) {
        tried.push(`${way.how}: ${reason}`);
        continue;
      }
      for (const what of (await way.systemWide?.()) ?? [])
        terminal.stepLine(step.name, `outside this project's folder: ${what}`);
    }
    signal.throwIfAborted();
    const started = Date.now();
    terminal.stepLine(step.name, way.how);
    const report = terminal.open(step.name);
    try {
      await way.run(report, signal);
      const what = await step.have();
      if (what === null) throw new Error("it reported success, but the result is not there");
      terminal.close(step.name);
      terminal.stepLine(step.name, `${what}, done in ${duration(Date.now() - started)}`);
      return;
    } catch (error) {
      terminal.close(step.name);
      if (signal.aborted) throw error;
      const text = error instanceof Error ? error.message : String(error);
      tried.push(`${way.how}: ${text}`);
      terminal.stepLine(step.name, `not by ${way.how}: ${text}`);
    }
  }
  throw new SetupError(
    `${step.name} (${step.why}) could not be had. Tried:\n${tried.map((line) => `  - ${line}`).join("\n")}`,
  );
}

/** Runs the chosen steps, two lanes side by side; the first failure stops everything that can be stopped. */
export async function runChoices(choices: readonly Choice[], terminal: Terminal, signal: AbortSignal): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const done = new Map<string, PromiseWithResolvers<void>>();
  for (const { step } of choices) {
    const promise = Promise.withResolvers<void>();
    promise.promise.catch(() => {});
    done.set(step.name, promise);
  }
  const lane = async (name: Step["lane"]): Promise<void> => {
    for (const choice of choices.filter(({ step }) => step.lane === name)) {
      try {
        for (const need of choice.step.needs ?? []) await done.get(need)?.promise;
        either.throwIfAborted();
        // What it needed may have brought it along.
        const what = await choice.step.have();
        if (what === null) await runChoice(choice, terminal, either);
        else terminal.stepLine(choice.step.name, `${what} is there now`);
        done.get(choice.step.name)?.resolve();
      } catch (error) {
        for (const { reject } of done.values()) reject(error);
        if (!failed.signal.aborted) failed.abort(error);
        throw error;
      }
    }
  };
  const results = await Promise.allSettled([lane("build"), lane("fetch")]);
  signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/** How a run of steps is done. */
export interface RunOptions {
  terminal: Terminal;
  signal: AbortSignal;
  /** Takes the lock that keeps a second run out. */
  lock(): Promise<{ release(): void }>;
  /** Say nothing if everything is there. */
  quiet?: boolean;
}

/** Makes sure that the result of every step is there. */
export async function provide(steps: readonly Step[], options: RunOptions): Promise<void> {
  const { terminal } = options;
  const first = await missingOf(steps);
  const list = (present: Map<string, string>) => [...present].map(([name, what]) => `  have  ${name}: ${what}`);
  if (first.missing.length === 0) {
    if (!options.quiet) terminal.line(["Set-up: everything is there.", ...list(first.present)].join("\n"));
    return;
  }
  const lock = await options.lock();
  try {
    // Another run may have got some of it while this one waited.
    const { present, missing } = await missingOf(steps);
    terminal.line(["Set-up:", ...list(present)].join("\n"));
    const choices = await Promise.all(missing.map(choose));
    const stuck = deadEnds(choices);
    if (stuck !== null) throw new SetupError(stuck);
    await announce(choices, terminal);
    const started = Date.now();
    await runChoices(choices, terminal, options.signal);
    terminal.line(`Set-up: done in ${duration(Date.now() - started)}.`);
  } finally {
    lock.release();
  }
}
