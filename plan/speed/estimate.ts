/**
 * The estimated speed of a placed model, the uncertainty of the estimate, and what takes the time. A token passes through
 * all devices one after the other, so their times add up. The micro batches of a prompt can overlap (pipelining).
 */

import type { RunSettings } from "../memory/settings.ts";
import type { DeviceSpeed } from "./rates.ts";
import { type Run, type Seconds, sumOf, type WorkModel } from "./work.ts";

/** One device with its layers. */
export interface LoadedDevice {
  speed: DeviceSpeed;
  run: Run;
}

/** An estimated speed with its uncertainty. */
export interface Estimate {
  tokensPerSecond: number;
  /** Tokens per second if every part of the time takes as long as its uncertainty allows. */
  low: number;
  /** Tokens per second if every part of the time is as short as its uncertainty allows. */
  high: number;
}

/** The time of one token of an answer. */
export interface DecodeEstimate extends Estimate {
  secondsPerToken: number;
  /** The seconds of one token by their cause. */
  parts: Seconds;
  /** The largest of the parts. */
  boundBy: keyof Seconds;
}

/** Prompt processing of a long prompt. */
export interface PromptEstimate extends Estimate {
  /** Whether the devices compute several micro batches at once. */
  pipelined: boolean;
  /** The part that takes the most time. */
  boundBy: keyof Seconds;
}

export interface SpeedEstimate {
  decode: DecodeEstimate;
  prompt: PromptEstimate;
  /** The reasons for these numbers, one sentence each. */
  because: string[];
}

/** Factor by which each part of the time may be longer or shorter. Wide, because programs and networks differ. */
const UNCERTAINTY: Readonly<Record<keyof Seconds, number>> = { memory: 1.3, compute: 1.6, network: 2, overhead: 2 };

/** Estimates the speed of a cluster. */
export function estimateSpeed(
  work: WorkModel,
  devices: readonly LoadedDevice[],
  settings: RunSettings,
  pipelined: boolean,
): SpeedEstimate {
  const parts = total(devices.map(({ speed, run }) => work.token(speed, run)));
  const decode = { ...estimateOf(1, parts), secondsPerToken: sumOf(parts), parts, boundBy: greatest(parts) };
  const prompt = promptEstimate(work, devices, settings, pipelined);
  return { decode, prompt, because: reasons(decode, prompt, devices) };
}

/** Seconds of a prompt's batch. If pipelined, each micro batch after the first adds only the slowest device's time. */
export function promptBatchSeconds(stages: readonly number[], microBatches: number, pipelined: boolean): number {
  const through = stages.reduce((sum, stage) => sum + stage, 0);
  return pipelined ? through + (microBatches - 1) * Math.max(...stages) : microBatches * through;
}

/** Number of micro batches in a batch of a prompt. */
export function microBatchesOf({ batchTokens, microBatchTokens }: RunSettings): number {
  return Math.max(1, Math.floor(batchTokens / microBatchTokens));
}

function promptEstimate(
  work: WorkModel,
  devices: readonly LoadedDevice[],
  settings: RunSettings,
  pipelined: boolean,
): PromptEstimate {
  const tokens = settings.microBatchTokens;
  const count = microBatchesOf(settings);
  const stages = devices.map(({ speed, run }) => work.microBatch(speed, run, tokens));
  const through = total(stages);
  const seconds = promptBatchSeconds(stages.map(sumOf), count, pipelined);
  const scale = seconds / sumOf(through);
  return { ...estimateOf(count * tokens, scaled(through, scale)), pipelined, boundBy: greatest(through) };
}

function estimateOf(tokens: number, parts: Seconds): Estimate {
  const weighed = (factor: (uncertainty: number) => number) =>
    sumOf({
      memory: parts.memory * factor(UNCERTAINTY.memory),
      compute: parts.compute * factor(UNCERTAINTY.compute),
      network: parts.network * factor(UNCERTAINTY.network),
      overhead: parts.overhead * factor(UNCERTAINTY.overhead),
    });
  return {
    tokensPerSecond: tokens / sumOf(parts),
    low: tokens / weighed((uncertainty) => uncertainty),
    high: tokens / weighed((uncertainty) => 1 / uncertainty),
  };
}

const MEANING: Readonly<Record<keyof Seconds, string>> = {
  memory: "reading weights and KV cache from memory",
  compute: "multiplying",
  network: "the network between front and backends",
  overhead: "starting kernels and handling messages",
};

function reasons(decode: DecodeEstimate, prompt: PromptEstimate, devices: readonly LoadedDevice[]): string[] {
  const share = (part: keyof Seconds) => Math.round((decode.parts[part] / decode.secondsPerToken) * 100);
  const remote = devices.filter(({ speed }) => speed.link !== null).length;
  return [
    `A token takes ${duration(decode.secondsPerToken)}: ${share("memory")} % is ${MEANING.memory}, ${share("network")} % is ${MEANING.network}.`,
    ...(decode.boundBy === "memory" || decode.boundBy === "network"
      ? []
      : [`Most of the time goes to ${MEANING[decode.boundBy]}: ${share(decode.boundBy)} %.`]),
    ...(remote > 1 ? [`Each token waits for ${remote} backends, one after the other.`] : []),
    `A prompt is bound by ${MEANING[prompt.boundBy]}${prompt.pipelined ? "; its micro batches overlap on the devices" : ""}.`,
  ];
}

function duration(seconds: number): string {
  return seconds < 0.9995 ? `${Number((seconds * 1000).toPrecision(3))} ms` : `${Number(seconds.toPrecision(3))} s`;
}

function total(parts: readonly Seconds[]): Seconds {
  const sum = (part: keyof Seconds) => parts.reduce((all, seconds) => all + seconds[part], 0);
  return { memory: sum("memory"), compute: sum("compute"), network: sum("network"), overhead: sum("overhead") };
}

function scaled({ memory, compute, network, overhead }: Seconds, factor: number): Seconds {
  return {
    memory: memory * factor,
    compute: compute * factor,
    network: network * factor,
    overhead: overhead * factor,
  };
}

function greatest(parts: Seconds): keyof Seconds {
  const names: (keyof Seconds)[] = ["memory", "compute", "network", "overhead"];
  return names.reduce((most, part) => (parts[part] > parts[most] ? part : most));
}

/** Tokens per second, rounded to two digits because an estimate is no more exact: `0.56`, `9.1`, `210`. */
export function tokensPerSecond(speed: number): string {
  return String(Number(speed.toPrecision(2)));
}
