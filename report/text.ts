/** Formats a plan for a terminal. */

import type { Severity } from "../config/words.ts";
import type { Finding } from "../plan/findings/finding.ts";
import type { MemoryPlan } from "../plan/memory/plan.ts";
import type { ClusterPlan } from "../plan/plan.ts";
import { backendHolds, bytes, frontHolds, percent, slots } from "./amounts.ts";
import { bar, columns, hanging, labelled, type Paint, painter, type TextOptions, wrap } from "./layout.ts";
import { endpointText, machineLines, processorOf } from "./text-machines.ts";
import { costLines, speedLines } from "./text-performance.ts";

const DEFAULT_WIDTH = 100;
/** A narrower bar shows too little, so it is left out. */
const LEAST_BAR_WIDTH = 10;

/** Renders a plan: model, machines, every device with its layers and memory, speed, cost, flags and findings. */
export function formatPlan(plan: ClusterPlan, options: TextOptions = {}): string {
  const width = options.width ?? DEFAULT_WIDTH;
  const paint = painter(options.colour ?? false);
  const sections = [
    modelLines(plan, width, paint),
    machineLines(plan, width, paint),
    deviceLines(plan, width, paint),
    speedLines(plan, width, paint),
    costLines(plan, width, paint),
    flagLines(plan, width, paint),
    findingLines(plan.findings, width, paint),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.trimEnd()).join("\n"))
    .join("\n\n");
}

function modelLines({ model, target, region, network }: ClusterPlan, width: number, paint: Paint): string[] {
  const facts = [
    model.architecture,
    model.quantization,
    bytes(model.fileBytes),
    `${model.layers} layers`,
    `${model.contextTokens} tokens of context in ${slots(model.parallelSlots)}`,
  ];
  const where = region === null ? target : `${target} in ${region}`;
  return [
    paint("bold", model.name),
    ...wrap(facts.join(", "), width),
    ...wrap(`target ${where}, private network ${network.cidr}`, width),
  ];
}

/** A row of the table: one container. */
interface Row {
  name: string;
  device: string;
  address: string;
  layers: string;
  memory: MemoryPlan;
}

function deviceLines(plan: ClusterPlan, width: number, paint: Paint): string[] {
  const rows = rowsOf(plan);
  const amounts = columns(
    rows.map(({ memory }) => [
      bytes(memory.totalBytes).padStart(8),
      `of ${bytes(memory.capacityBytes)}`,
      percent(memory),
    ]),
    " ",
  );
  const withAddress = columns(rows.map(({ name, device, address, layers }) => [name, device, address, layers]));
  // If there is room for either the addresses or the bars, show the bars: --rpc contains the addresses too.
  const withoutAddress = columns(rows.map(({ name, device, layers }) => [name, device, layers]));
  const roomBeside = (cells: readonly string[]) => width - (cells[0]?.length ?? 0) - (amounts[0]?.length ?? 0) - 4;
  const shown = [withAddress, withoutAddress].find((cells) => roomBeside(cells) >= LEAST_BAR_WIDTH);
  const barWidth = shown === undefined ? 0 : Math.min(40, roomBeside(shown));
  return rows
    .map(({ memory }, index) => {
      const isOver = memory.totalBytes > memory.capacityBytes;
      const amount = isOver ? paint("red", amounts[index] ?? "") : (amounts[index] ?? "");
      const drawn = shown === undefined ? [] : [memoryBar(memory, barWidth, paint)];
      return [(shown ?? withAddress)[index] ?? "", ...drawn, amount].join("  ");
    })
    .concat(shown === undefined ? [] : wrap(legend(), width).map((line) => paint("dim", line)));
}

function rowsOf(plan: ClusterPlan): Row[] {
  const { front, backends } = plan;
  const shared = plan.machines.map((machine) => machine.backends).filter((names) => names.length > 1);
  const joined = (name: string) => (shared.length === 0 ? name : `${brace(shared, name)} ${name}`);
  return [
    {
      name: joined("front"),
      device: "CPU",
      address: `${front.address}:${front.port}`,
      layers: frontHolds(front),
      memory: front.memory,
    },
    ...backends.map((backend) => ({
      name: joined(backend.name),
      device: `${backend.device} ${processorOf(plan, backend)}`,
      address: `${backend.address}:${backend.port}`,
      layers: backendHolds(backend),
      memory: backend.memory,
    })),
  ];
}

/** The character of a brace beside the backends of one machine. */
function brace(shared: readonly (readonly string[])[], name: string): string {
  const names = shared.find((candidates) => candidates.includes(name)) ?? [];
  if (names.length === 0) return " ";
  if (names[0] === name) return "┌";
  return names.at(-1) === name ? "└" : "│";
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

/** A comma with a space at which a long list may be wrapped. The output keeps only the comma. */
const COMMA = ",\u200b ";

function flagLines({ front, backends, tensorSplit }: ClusterPlan, width: number, paint: Paint): string[] {
  const rows: [string, string][] = [
    ["endpoint", endpointText(front)],
    ["--rpc", backends.map(({ address, port }) => `${address}:${port}`).join(COMMA)],
    ["--tensor-split", tensorSplit.join(COMMA)],
    ["front", settings(front.environment, ["APP_GPU_LAYERS", "APP_THREADS", ...modelSettings(front.environment)])],
  ];
  if (front.arguments.length > 0) rows.push(["arguments", front.arguments.join(" ")]);
  const indent = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows
    .flatMap(([name, value]) => labelled(name, indent, value, width, paint))
    .map((text) => text.replaceAll(/,\u200b ?/g, ","));
}

/** The settings of llama.cpp that the text shows; `--json` contains the whole environment. */
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

/** Each finding with its remedy, where that is applied, and its number. */
export function findingLines(findings: readonly Finding[], width: number, paint: Paint): string[] {
  return findings.flatMap(({ severity, code, number, path, message, remedyText }) => {
    const heading = `${severity.padEnd(longest)}  `;
    const [first = "", ...rest] = hanging(heading, `${message} ${remedyText}`, width);
    const named = `${path === undefined ? "" : `${path}, `}${number} ${code}`;
    const where = hanging(" ".repeat(heading.length), named, width).map((line) => paint("dim", line));
    return [paint(SEVERITY_STYLES[severity], heading) + first.slice(heading.length), ...rest, ...where];
  });
}

const SEVERITIES: readonly Severity[] = ["error", "warning", "advice"];
const longest = Math.max(...SEVERITIES.map((severity) => severity.length));
