import { afterEach, expect, test, vi } from "vitest";
import { BuildProgress, reportProgress } from "../support/build-progress.ts";

afterEach(() => vi.useRealTimers());

const after = (...lines: string[]): string => {
  const progress = new BuildProgress();
  for (const line of lines) progress.read(line);
  return String(progress);
};

const STEP = "#14 [compile 5/6] RUN --mount=type=cache,target=/ccache sh compile.sh";

test("a build's progress is its step, until it compiles", () => {
  expect(after()).toBe("starting");
  expect(after("#5 [internal] load build definition", STEP, "#14 0.412 -- The CXX compiler is GNU 14.2.0")).toBe(
    "[compile 5/6] RUN --mount=type=cache,target=/ccache sh compile.sh",
  );
});

test("a build's progress is ninja's count of objects while it compiles", () => {
  expect(after(STEP, "#14 35.21 [ 45/300] Building CXX object a.o", "#14 36 warning [1/2]")).toBe(
    "45 of 300 objects compiled",
  );
  expect(after(STEP, "#14 35.21 [300/300] Linking CXX executable", "#15 [server 2/4] COPY . .")).toBe(
    "[server 2/4] COPY . .",
  );
});

test("the progress is told every 15 s, with the time since the start, until the build ends", () => {
  vi.useFakeTimers();
  const said: string[] = [];
  {
    using _report = reportProgress("cpu-backend", new BuildProgress(), (line) => said.push(line));
    vi.advanceTimersByTime(31_000);
  }
  vi.advanceTimersByTime(60_000);
  expect(said).toEqual(["  cpu-backend: starting, 15 s so far", "  cpu-backend: starting, 30 s so far"]);
});
