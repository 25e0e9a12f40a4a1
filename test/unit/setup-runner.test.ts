import { describe, expect, test } from "vitest";
import { Interruption, isInForeground, mustForward } from "../../setup/foreground.ts";
import { provide, SetupError, type Step, type Way } from "../../setup/runner.ts";
import { Terminal } from "../../setup/terminal.ts";

/** A machine on which names stand for what is there. */
function machine(...present: string[]) {
  const there = new Set(present);
  const log: string[] = [];
  const way = (name: string, how: string, more: Partial<Way> = {}): Way => ({
    how,
    typical: "at once",
    blocked: async () => null,
    run: async () => {
      log.push(`${name} by ${how}`);
      there.add(name);
    },
    ...more,
  });
  const step = (name: string, more: Partial<Step> = {}): Step => ({
    name,
    why: "for a test",
    lane: "fetch",
    have: async () => (there.has(name) ? "is there" : null),
    get: way(name, "download"),
    ...more,
  });
  return { there, log, way, step };
}

/** Runs steps and answers what was printed. */
async function runSteps(steps: readonly Step[], signal = new AbortController().signal): Promise<string> {
  let text = "";
  const terminal = new Terminal({ write: (part) => (text += part) });
  try {
    await provide(steps, { terminal, signal, lock: async () => ({ release: () => (text += "(unlocked)\n") }) });
  } catch (error) {
    throw Object.assign(error as Error, { printed: text });
  }
  return text;
}

describe("the step runner", () => {
  test("does nothing and takes no lock where everything is there", async () => {
    const { step, log } = machine("go", "pulumi");
    const text = await runSteps([step("go"), step("pulumi")]);
    expect(log).toEqual([]);
    expect(text).toContain("complete, nothing to do");
    expect(text).not.toContain("(unlocked)");
  });

  test("gets only what is missing, the official way first", async () => {
    const { step, way, log } = machine("go");
    const pulumi = step("pulumi", { getWithoutDownloads: way("pulumi", "build") });
    await runSteps([step("go"), pulumi]);
    expect(log).toEqual(["pulumi by download"]);
  });

  test("goes the second way where the first is blocked, and says why", async () => {
    const { step, way, log } = machine();
    const blocked = way("pulumi", "download", { blocked: async () => "example.org does not answer" });
    const text = await runSteps([step("pulumi", { get: blocked, getWithoutDownloads: way("pulumi", "build") })]);
    expect(log).toEqual(["pulumi by build"]);
    expect(text).toContain("not by download: example.org does not answer");
  });

  test("goes the second way where the first one fails", async () => {
    const { step, way, log } = machine();
    const failing = way("pulumi", "download", { run: () => Promise.reject(new Error("connection reset")) });
    const text = await runSteps([step("pulumi", { get: failing, getWithoutDownloads: way("pulumi", "build") })]);
    expect(log).toEqual(["pulumi by build"]);
    expect(text).toContain("not by download: connection reset");
  });

  test("says everything that was tried when no way works", async () => {
    const { step, way } = machine();
    const get = way("pulumi", "download", { run: () => Promise.reject(new Error("connection reset")) });
    const getWithoutDownloads = way("pulumi", "build", { run: () => Promise.reject(new Error("no compiler")) });
    const attempt = runSteps([step("pulumi", { get, getWithoutDownloads })]);
    await expect(attempt).rejects.toThrow(SetupError);
    await expect(attempt).rejects.toThrow(/download: connection reset\n.*build: no compiler/);
  });

  test("starts nothing when a step has no open way, and lets go of the lock", async () => {
    const { step, way, log } = machine();
    const engine = step("engine", { get: way("engine", "apt", { blocked: async () => "only root can install it" }) });
    const attempt = runSteps([step("pulumi"), engine]);
    await expect(attempt).rejects.toThrow(
      /engine .* is not available:\n\s+- apt: only root can install it\nNothing was installed/,
    );
    await expect(attempt).rejects.toHaveProperty("printed", expect.stringContaining("(unlocked)"));
    expect(log).toEqual([]);
  });

  test("names what it changes outside the project before it does anything", async () => {
    const { step, way } = machine();
    const text = await runSteps([
      step("pulumi"),
      step("engine", { get: way("engine", "apt", { systemWide: async () => ["installs the package docker.io"] }) }),
    ]);
    expect(text.indexOf("installs the package docker.io")).toBeGreaterThan(0);
    expect(text.indexOf("installs the package docker.io")).toBeLessThan(text.indexOf("] pulumi:"));
  });

  test("takes a success without a result for a failure", async () => {
    const { step, way } = machine();
    const attempt = runSteps([step("pulumi", { get: way("pulumi", "download", { run: async () => {} }) })]);
    await expect(attempt).rejects.toThrow(/the result is missing/);
  });

  test("lets a step of one lane wait for what it needs of the other", async () => {
    const { step, way, log } = machine();
    const slow = way("engine", "apt", {
      run: async () => {
        await new Promise((resolve) => setTimeout(resolve, 30));
        await way("engine", "apt").run({ say: () => {}, now: () => {} }, new AbortController().signal);
      },
    });
    await runSteps([step("plugin", { lane: "build", needs: ["engine"] }), step("engine", { get: slow })]);
    expect(log).toEqual(["engine by apt", "plugin by download"]);
  });

  test("does not get what an earlier step brought along", async () => {
    const { step, way, log, there } = machine();
    const archive = way("pulumi", "archive", {
      run: async () => {
        there.add("pulumi");
        there.add("host");
      },
    });
    await runSteps([step("pulumi", { get: archive }), step("host", { needs: ["pulumi"] })]);
    expect(log).toEqual([]);
  });

  test("stops the other lane when one fails, and starts nothing further", async () => {
    const { step, way, log } = machine();
    let stopped = false;
    const long = way("model", "download", {
      run: (_report, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            stopped = true;
            reject(signal.reason);
          });
        }),
    });
    const failing = way("pulumi", "build", { run: () => Promise.reject(new Error("no compiler")) });
    const attempt = runSteps([
      step("pulumi", { lane: "build", get: failing }),
      step("model", { get: long }),
      step("image"),
    ]);
    await expect(attempt).rejects.toThrow(/no compiler/);
    expect(stopped).toBe(true);
    expect(log).toEqual([]);
  });

  test("tries no second way after an interruption", async () => {
    const { step, way, log } = machine();
    const interruption = new AbortController();
    const get = way("pulumi", "download", {
      run: async (_report, signal) => {
        interruption.abort(new Error("interrupted by SIGINT"));
        signal.throwIfAborted();
      },
    });
    const attempt = runSteps(
      [step("pulumi", { get, getWithoutDownloads: way("pulumi", "build") })],
      interruption.signal,
    );
    await expect(attempt).rejects.toThrow(/interrupted/);
    expect(log).toEqual([]);
  });
});

describe("the terminal", () => {
  test("writes a lasting line for a step with the time since the start", () => {
    let text = "";
    const terminal = new Terminal({ write: (part) => (text += part) });
    terminal.open("pulumi").say("hello");
    terminal.close("pulumi");
    expect(text).toBe("[   0 s] pulumi: hello\n");
  });
});

describe("an interruption", () => {
  const stat = (group: number, foreground: number) => `7 (a) b) S 1 ${group} 5 34816 ${foreground} 4194304 0`;
  test("by Ctrl-C reaches the children of a foreground process by itself", () => {
    expect(isInForeground(stat(7, 7))).toBe(true);
    expect(isInForeground(stat(7, 9))).toBe(false);
    expect(isInForeground(stat(7, -1))).toBe(false);
    expect(mustForward(new Interruption("SIGINT"), () => true)).toBe(false);
  });
  test("is forwarded where no terminal does it", () => {
    expect(mustForward(new Interruption("SIGINT"), () => false)).toBe(true);
    expect(mustForward(new Interruption("SIGTERM"), () => true)).toBe(true);
    expect(mustForward(new Interruption("SIGHUP"), () => true)).toBe(true);
  });
});
