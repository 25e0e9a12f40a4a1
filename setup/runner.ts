/** Runs set-up steps: checks what exists, announces the changes, and does only what is missing. */
import { UserError } from "../config/errors.ts";
import { duration, type Report, type Terminal } from "./terminal.ts";

/** One way to get something. */
export interface Way {
  /** Completes "by …": `Pulumi's own archive`. */
  how: string;
  /** The usual duration, in words. */
  typical: string;
  /** Why this way is unavailable here, as a sentence with the remedy; null if it is available. */
  blocked(): Promise<string | null>;
  /** Its changes outside the project. */
  systemWide?(): Promise<string[]>;
  run(report: Report, signal: AbortSignal): Promise<void>;
}

/** One thing that set-up provides. */
export interface Step {
  name: string;
  /** Its purpose, in a few words. */
  why: string;
  /** Steps of one lane run one after the other; the lanes run in parallel. */
  lane: "build" | "fetch";
  /** Names of the steps whose results this step's ways use. */
  needs?: readonly string[];
  /** Describes what exists; null if it is missing. */
  have(): Promise<string | null>;
  /** The official way. */
  get: Way;
  /** The way over package registries, if the official one is blocked or fails. */
  getWithoutDownloads?: Way;
}

/** Set-up can't be completed; the message lists the attempts and the remedies. */
export class SetupError extends UserError {
  override readonly name = "SetupError";
}

/** A missing step with its available ways, best first. */
export interface Choice {
  step: Step;
  ways: Way[];
  /** Blocked ways, with the reason. */
  blocked: string[];
}

/** Finds the available ways of a step. */
export async function choose(step: Step): Promise<Choice> {
  const choice: Choice = { step, ways: [], blocked: [] };
  const { get, getWithoutDownloads } = step;
  for (const way of [get, getWithoutDownloads]) {
    if (!way) continue;
    const reason = await way.blocked();
    if (reason === null) choice.ways.push(way);
    else choice.blocked.push(`${way.how}: ${reason}`);
    if (reason === null && way === get) {
      // The second way is checked only if the first fails; it may be available then.
      if (getWithoutDownloads) choice.ways.push(getWithoutDownloads);
      break;
    }
  }
  return choice;
}

/** Explains which steps have no available way, and why; null if there are none. */
export function deadEnds(choices: readonly Choice[]): string | null {
  const stuck = choices.filter((choice) => choice.ways.length === 0);
  if (stuck.length === 0) return null;
  const parts = stuck.map(
    ({ step, blocked }) =>
      `${step.name} (${step.why}) is not available:\n${blocked.map((reason) => `  - ${reason}`).join("\n")}`,
  );
  return `${parts.join("\n")}\nNothing was installed. Fix that and run this again.`;
}

/** The steps to run, and descriptions of what exists already. */
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
      if (what === null) throw new Error("it reported success, but the result is missing");
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
    `${step.name} (${step.why}) could not be installed. Tried:\n${tried.map((line) => `  - ${line}`).join("\n")}`,
  );
}

/** Runs the chosen steps, two lanes in parallel; the first failure stops everything that can be stopped. */
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
        // A step that it needs may have installed it too.
        const what = await choice.step.have();
        if (what === null) await runChoice(choice, terminal, either);
        else terminal.stepLine(choice.step.name, `${what} exists now`);
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

/** Options of a run of steps. */
export interface RunOptions {
  terminal: Terminal;
  signal: AbortSignal;
  /** Takes the lock that prevents a second run. */
  lock(): Promise<{ release(): void }>;
  /** Print nothing if everything exists. */
  quiet?: boolean;
}

/** Makes sure that the result of every step exists. */
export async function provide(steps: readonly Step[], options: RunOptions): Promise<void> {
  const { terminal } = options;
  const first = await missingOf(steps);
  const list = (present: Map<string, string>) => [...present].map(([name, what]) => `  have  ${name}: ${what}`);
  if (first.missing.length === 0) {
    if (!options.quiet) terminal.line(["Set-up: complete, nothing to do.", ...list(first.present)].join("\n"));
    return;
  }
  const lock = await options.lock();
  try {
    // Another run may have done some steps while this one waited.
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
