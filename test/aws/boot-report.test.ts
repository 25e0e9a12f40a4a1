import { expect, test } from "vitest";
import { formatStatus, INITIAL_STATUS, parseStatus, statusInConsole } from "../../aws/machine-status.ts";

test("a machine's line is read as its parts", () => {
  expect(parseStatus("1790000000 model running 37.2 of 42.0 GiB\n")).toEqual({
    seconds: 1_790_000_000,
    step: "model",
    state: "running",
    text: "37.2 of 42.0 GiB",
  });
  expect(parseStatus("1790000000 serving ready")).toMatchObject({ step: "serving", state: "ready", text: "" });
});

test.each(["", "waiting", "1 nowhere running x", "1 model sleeping x", "x model running y", "1 model"])(
  "%j is no status",
  (line) => {
    expect(parseStatus(line)).toBeNull();
  },
);

test("what is formatted is read back, on one line", () => {
  expect(formatStatus(INITIAL_STATUS)).toBe("0 created running waiting for the machine");
  expect(parseStatus(formatStatus(INITIAL_STATUS))).toEqual(INITIAL_STATUS);
  expect(formatStatus({ ...INITIAL_STATUS, text: "two\nlines " })).toBe("0 created running two lines");
});

test("the console tells a machine's last status among everything else", () => {
  const output = [
    "[   12.3] cloud-init[1200]: llama-rpc-cluster front: 1790000000 booted running try 1\r",
    "[   13.0] something else",
    "llama-rpc-cluster gpu-machine-1: 1790000002 serving ready gpu-0 listens",
    "llama-rpc-cluster front: 1790000001 booted failed the clock is wrong by 600 s",
    "",
  ].join("\n");
  expect(statusInConsole(output, "front")).toMatchObject({
    step: "booted",
    state: "failed",
    text: "the clock is wrong by 600 s",
  });
  expect(statusInConsole(output, "cpu-machine-1")).toBeNull();
});
