/**
 * How fast a placed model will be, how sure that is, and what the time goes to. A token passes through all devices one
 * after the other, so their times add up; a prompt's micro batches can follow each other closely (pipelining).
 */

import type { RunSettings } from "../memory/settings.ts";
import type { DeviceSpeed } from "./rates.ts";
import { type Run, type Seconds, sumOf, type WorkModel } from "./work.ts";

/** One device with its layers. */
export interface LoadedDevice {
  speed: DeviceSpeed;
  run: Run;
}

/** A speed and how far it may be off. */
export interface Estimate {
  tokensPerSecond: number;
  low: number;
  high: number;
}

/** What the time of a token goes to. */
export interface DecodeEstimate extends Estimate {
  secondsPerToken: number;
  parts: Seconds;
  /** The greatest of the parts. */
  boundBy: keyof Seconds;
}

/** Prompt processing of a long prompt. */
export interface PromptEstimate extends Estimate {
  /** Whether the devices work on several micro batches at once. */
  pipelined: boolean;
  boundBy: keyof Seconds;
}

export interface SpeedEstimate {
  decode: DecodeEstimate;
  prompt: PromptEstimate;
  /** One sentence for each thing that a person should know about these numbers. */
  because: string[];
}

/** By how much each part of the time may be longer; shorter by its inverse. Wide, because programs and networks differ. */
const UNCERTAINTY: Readonly<Record<keyof Seconds, number>> = { memory: 1.3, compute: 1.6, network: 2, overhead: 2 };

/** Adds up a cluster's speed. */
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

/** Seconds of a prompt's batch: one micro batch through all devices, the others one slowest device's time behind each other. */
export function promptBatchSeconds(stages: readonly number[], microBatches: number, pipelined: boolean): number {
  const through = stages.reduce((sum, stage) => sum + stage, 0);
  return pipelined ? through + (microBatches - 1) * Math.max(...stages) : microBatches * through;
}

/** How often a batch of a prompt is cut into micro batches. */
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
    `Of a token's ${duration(decode.secondsPerToken)}, ${share("memory")} % are ${MEANING.memory} and ${share("network")} % ${MEANING.network}.`,
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

/** Tokens per second with two digits, which is more than an estimate knows: `0.56`, `9.1`, `210`. */
export function tokensPerSecond(speed: number): string {
  return String(Number(speed.toPrecision(2)));
}
