/** A plan as a person wants to see it in a terminal. */

import { GIB, MIB } from "../config/units.ts";
import { bar, columns, hanging, type Paint, painter, type TextOptions, wrap } from "./terminal.ts";
import type { BackendPlan, ClusterPlan, Finding, FrontPlan, LayerRange, MemoryPlan, Severity } from "./types.ts";

const DEFAULT_WIDTH = 100;
/** Narrower than this, a bar says nothing: the numbers stand alone. */
const LEAST_BAR_WIDTH = 10;

/** Renders a plan: the model, every device with its layers and memory, the flags, and what the planner has to say. */
export function formatPlan(plan: ClusterPlan, options: TextOptions = {}): string {
  const width = options.width ?? DEFAULT_WIDTH;
  const paint = painter(options.colour ?? false);
  const sections = [
    modelLines(plan, width, paint),
    deviceLines(plan, width, paint),
    flagLines(plan, width, paint),
    findingLines(plan.findings, width, paint),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.trimEnd()).join("\n"))
    .join("\n\n");
}

function modelLines({ model, target, network, hourlyUsd }: ClusterPlan, width: number, paint: Paint): string[] {
  const slots = model.parallelSlots === 1 ? "1 slot" : `${model.parallelSlots} slots`;
  const facts = [
    model.architecture,
    model.quantization,
    bytes(model.fileBytes),
    `${model.layers} layers`,
    `${model.contextTokens} tokens of context in ${slots}`,
  ];
  const cost = hourlyUsd === 0 ? "costs nothing per hour" : `${hourlyUsd.toFixed(2)} US dollars per hour`;
  return [
    paint("bold", model.name),
    ...wrap(facts.join(", "), width),
    ...wrap(`target ${target}, private network ${network.cidr}, ${cost}`, width),
  ];
}

/** What a row of the table says of one container. */
interface Row {
  name: string;
  device: string;
  address: string;
  layers: string;
  memory: MemoryPlan;
}

function deviceLines({ front, backends }: ClusterPlan, width: number, paint: Paint): string[] {
  const rows: Row[] = [frontRow(front), ...backends.map(backendRow)];
  const cells = columns(rows.map(({ name, device, address, layers }) => [name, device, address, layers]));
  const amounts = columns(
    rows.map(({ memory }) => [
      bytes(memory.totalBytes).padStart(8),
      `of ${bytes(memory.capacityBytes)}`,
      percent(memory),
    ]),
    " ",
  );
  const room = width - (cells[0]?.length ?? 0) - (amounts[0]?.length ?? 0) - 4;
  const barWidth = Math.min(40, room);
  return rows
    .map(({ memory }, index) => {
      const isOver = memory.totalBytes > memory.capacityBytes;
      const amount = isOver ? paint("red", amounts[index] ?? "") : (amounts[index] ?? "");
      const drawn = barWidth < LEAST_BAR_WIDTH ? [] : [memoryBar(memory, barWidth, paint)];
      return [cells[index] ?? "", ...drawn, amount].join("  ");
    })
    .concat(barWidth < LEAST_BAR_WIDTH ? [] : wrap(legend(), width).map((line) => paint("dim", line)));
}

function frontRow({ address, port, layers, memory }: FrontPlan): Row {
  const own = layers === null ? "embeddings" : `embeddings, ${layerText(layers)}`;
  return { name: "front", device: "CPU", address: `${address}:${port}`, layers: own, memory };
}

function backendRow({ name, device, address, port, layers, holdsOutput, memory }: BackendPlan): Row {
  const text = layers.count === 0 ? "no layers" : `${layerText(layers)}${holdsOutput ? ", output" : ""}`;
  return { name, device, address: `${address}:${port}`, layers: text, memory };
}

/** `layers 0-18`. */
export function layerText({ first, last, count }: LayerRange): string {
  return count === 1 ? `layer ${first}` : `layers ${first}-${last}`;
}

const PARTS = [
  { key: "weightsBytes", label: "weights", character: "█", style: "blue" },
  { key: "kvCacheBytes", label: "KV cache", character: "▓", style: "cyan" },
  { key: "computeBytes", label: "compute", character: "▒", style: "magenta" },
  { key: "reserveBytes", label: "program", character: "░", style: "dim" },
] as const;

function memoryBar(memory: MemoryPlan, width: number, paint: Paint): string {
  const parts = PARTS.map(({ key, character, style }) => ({ amount: memory[key], character, style }));
  return bar(parts, memory.capacityBytes, width, paint);
}

function legend(): string {
  return [...PARTS.map(({ label, character }) => `${character} ${label}`), "· free"].join("   ");
}

function flagLines({ front, backends, tensorSplit }: ClusterPlan, width: number, paint: Paint): string[] {
  const rows: [string, string][] = [
    ["endpoint", `http://${front.hostAddress}:${front.hostPort}`],
    ["--rpc", backends.map(({ address, port }) => `${address}:${port}`).join(",")],
    ["--tensor-split", tensorSplit.join(",")],
    ["front", settings(front.environment, ["APP_GPU_LAYERS", "APP_THREADS", ...modelSettings(front.environment)])],
  ];
  if (front.arguments.length > 0) rows.push(["arguments", front.arguments.join(" ")]);
  const indent = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.flatMap(([name, value]) => {
    const [first = "", ...rest] = hanging(name.padEnd(indent), value, width);
    return [paint("dim", first.slice(0, indent)) + first.slice(indent), ...rest];
  });
}

/** Settings of llama.cpp that a reader of the plan looks for; the whole environment is in `--json`. */
function modelSettings(environment: Readonly<Record<string, string>>): string[] {
  const shown = [
    "CTX_SIZE",
    "N_PARALLEL",
    "BATCH",
    "UBATCH",
    "FLASH_ATTN",
    "CACHE_TYPE_K",
    "CACHE_TYPE_V",
    "EMBEDDINGS",
  ];
  return shown.map((name) => `LLAMA_ARG_${name}`).filter((name) => name in environment);
}

function settings(environment: Readonly<Record<string, string>>, names: readonly string[]): string {
  return names.map((name) => `${name}=${environment[name] ?? ""}`).join(" ");
}

const SEVERITY_STYLES = { error: "red", warning: "yellow", advice: "green" } as const;

function findingLines(findings: readonly Finding[], width: number, paint: Paint): string[] {
  return findings.flatMap(({ severity, code, number, path, message, remedy }) => {
    const heading = `${severity.padEnd(longest)}  `;
    const [first = "", ...rest] = hanging(heading, `${message} ${remedy}`, width);
    const named = `${path === undefined ? "" : `${path}, `}${number} ${code}`;
    const where = hanging(" ".repeat(heading.length), named, width).map((line) => paint("dim", line));
    return [paint(SEVERITY_STYLES[severity], heading) + first.slice(heading.length), ...rest, ...where];
  });
}

const SEVERITIES: readonly Severity[] = ["error", "warning", "advice"];
const longest = Math.max(...SEVERITIES.map((severity) => severity.length));

/** An amount of memory, rounded: `171 MiB`, `2 GiB`. */
export function bytes(amount: number): string {
  if (amount >= GIB) return `${Number((amount / GIB).toFixed(2))} GiB`;
  return `${Math.ceil(amount / MIB)} MiB`;
}

/** How full a device is. */
export function percent({ totalBytes, capacityBytes }: MemoryPlan): string {
  return `${Math.round((totalBytes / capacityBytes) * 100)} %`.padStart(5);
}
