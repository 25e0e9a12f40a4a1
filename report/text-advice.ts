/** Formats the clusters that a search found, for a terminal. */

import type { Advice, Winners, Wishes } from "../plan/advise/search.ts";
import type { Finding } from "../plan/findings/finding.ts";
import type { ModelFacts } from "../plan/model/facts.ts";
import type { Estimate } from "../plan/speed/estimate.ts";
import { tokensPerSecond } from "../plan/speed/estimate.ts";
import { bytes, roundUsd, slots, speedRange } from "./amounts.ts";
import { columns, type Paint, painter, type Style, type TextOptions, wrap } from "./layout.ts";
import { findingLines } from "./text.ts";

const DEFAULT_WIDTH = 100;

/** A proposed cluster and the warnings of its plan. */
export interface AdviceRow {
  advice: Advice;
  warnings: readonly Finding[];
}

/** The contents of the table. */
export interface AdviceTable {
  facts: ModelFacts;
  wishes: Wishes;
  /** Best value first. */
  rows: readonly AdviceRow[];
  winners: Winners;
  /** The winner that becomes a stack file. */
  chosen: Advice;
}

/** Renders the table, remarks about its numbers, and the warnings of the chosen cluster's plan. */
export function formatAdvice(table: AdviceTable, options: TextOptions = {}): string {
  const width = options.width ?? DEFAULT_WIDTH;
  const paint = painter(options.colour ?? false);
  const drawing = drawn(table, width);
  const sections = [
    [paint("bold", table.facts.name), ...wrap(heading(table), width)],
    drawing.lines.map(({ text, style }) => (style === null ? text : paint(style, text))),
    remarks(table, drawing.shown).flatMap((remark) => wrap(remark, width).map((line) => paint("dim", line))),
    warningLines(table, width, paint),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.trimEnd()).join("\n"))
    .join("\n\n");
}

function heading({ facts, wishes: { base, spot } }: AdviceTable): string {
  const { contextTokens, parallelSlots, kvCacheType } = base.model;
  return [
    facts.architecture,
    facts.quantization,
    bytes(facts.fileBytes),
    `${facts.layers} layers`,
    `${contextTokens} tokens of context in ${slots(parallelSlots)}`,
    `KV cache ${kvCacheType}`,
    `${spot ? "spot" : "on-demand"} machines in ${String(base.aws?.region)}, best value first`,
  ].join(", ");
}

/** A column of the table. */
interface Column {
  title: string;
  /** A narrow terminal leaves out columns, those with the highest number first. 0: never left out. */
  dispensable: number;
  isNumber: boolean;
  /** Explanation in a remark; null if the title is enough. */
  about: string | null;
  cell(row: AdviceRow, index: number): string;
}

function columnsOf(winners: Winners): Column[] {
  const number = (title: string, dispensable: number, about: string | null, cell: Column["cell"]): Column => ({
    title,
    dispensable,
    isNumber: true,
    about,
    cell,
  });
  return [
    number("", 1, null, (_, index) => String(index + 1)),
    // The heading says whether they are spot machines.
    { title: "machines", dispensable: 0, isNumber: false, about: null, cell: ({ advice }) => typesText(advice) },
    number(
      "tok/s",
      0,
      "an answer's tokens per second, one request at a time, with half of the context filled",
      ({ advice: { speed } }) => tokensPerSecond(speed.decode.tokensPerSecond),
    ),
    {
      title: "from–to",
      dispensable: 3,
      isNumber: false,
      about: "the range of that estimate",
      cell: ({ advice: { speed } }) => speedRange(speed.decode),
    },
    number("prompt", 4, "a long prompt's tokens per second", ({ advice: { speed } }) =>
      tokensPerSecond(speed.prompt.tokensPerSecond),
    ),
    number("load", 5, "the time to load the model", ({ advice: { load } }) => duration(load.seconds)),
    number("$/h", 0, "US dollars per hour", ({ advice }) => roundUsd(advice.usdPerHour)),
    number("$/mo", 6, "US dollars for a month in which all machines run all the time", ({ advice }) =>
      roundUsd(advice.usdPerMonth),
    ),
    number("$/M tok", 2, "US dollars for a million tokens at this speed, one answer after the other", ({ advice }) =>
      roundUsd(advice.usdPerMillionTokens),
    ),
    {
      title: "",
      dispensable: 0,
      isNumber: false,
      about: null,
      cell: ({ advice, warnings }) => [...titlesOf(advice, winners), ...numbersOf(warnings)].join(", "),
    },
  ];
}

interface Line {
  text: string;
  style: Style | null;
}

/** The table with as many columns as fit. The words of the last column are stacked before another column is left out. */
function drawn({ rows, winners }: AdviceTable, width: number): { lines: Line[]; shown: Column[] } {
  const all = columnsOf(winners);
  const ranks = [...new Set(all.map(({ dispensable }) => dispensable))].toSorted((a, b) => b - a);
  const tries = ranks.flatMap((rank) => {
    const shown = all.filter(({ dispensable }) => dispensable <= rank);
    return [false, true].map((isFolded) => ({ shown, lines: linesOf(shown, rows, winners, isFolded) }));
  });
  const narrowest = tries.at(-1) ?? { shown: all, lines: [] };
  return tries.find(({ lines }) => lines.every(({ text }) => text.length <= width)) ?? narrowest;
}

function linesOf(shown: readonly Column[], rows: readonly AdviceRow[], winners: Winners, isFolded: boolean): Line[] {
  const table = rows.flatMap((row, index) => {
    const cells = shown.map(({ cell }) => cell(row, index));
    const words = isFolded ? (cells.pop() ?? "").split(", ") : [cells.pop() ?? ""];
    const style = titlesOf(row.advice, winners).length > 0 ? ("bold" as const) : null;
    return words.map((word, line) => ({ style, cells: [...cells.map((cell) => (line === 0 ? cell : "")), word] }));
  });
  const everything = [{ style: "dim" as const, cells: shown.map(({ title }) => title) }, ...table];
  const widths = shown.map((_, column) => Math.max(...everything.map(({ cells }) => cells[column]?.length ?? 0)));
  const aligned = everything.map(({ cells }) =>
    cells.map((cell, column) => (shown[column]?.isNumber === true ? cell.padStart(widths[column] ?? 0) : cell)),
  );
  return columns(aligned).map((line, index) => ({ text: line.trimEnd(), style: everything[index]?.style ?? null }));
}

/** The titles that an entry has won. */
export function titlesOf(advice: Advice, { cheapest, fastest, value }: Winners): string[] {
  return [
    ...(advice === value ? ["best value"] : []),
    ...(advice === cheapest ? ["cheapest"] : []),
    ...(advice === fastest ? ["fastest"] : []),
  ];
}

/** The numbers of findings, each once. */
export function numbersOf(findings: readonly Finding[]): string[] {
  return [...new Set(findings.map(({ number }) => number))].toSorted();
}

/** One paragraph about the columns that are shown, and one about what they do not show. */
function remarks({ wishes, rows, winners, chosen }: AdviceTable, shown: readonly Column[]): string[] {
  const { cost } = winners.value;
  const columnTexts = shown.flatMap(({ title, about }) => (about === null ? [] : [`${title}: ${about}`]));
  const warnings = numbersOf(rows.flatMap((row) => row.warnings));
  const spot =
    "Spot machines count at the middle between a low price and the on-demand price; a budget is compared with the on-demand price.";
  return [
    `All figures are estimates. ${columnTexts.join("; ")}.`,
    [
      promptText(chosen, rows.findIndex(({ advice }) => advice === chosen) + 1),
      ...(warnings.length === 0 ? [] : [`${warnings.join(", ")}: warnings of the plans, see docs/findings.md.`]),
      `Prices as of ${cost.asOf}.`,
      ...(wishes.spot ? [spot] : []),
      ...cost.unknowns,
    ].join(" "),
  ];
}

/** A prompt of a few pages. */
const PROMPT_TOKENS = 2000;

function promptText({ config: { model }, speed }: Advice, row: number): string {
  const tokens = Math.min(PROMPT_TOKENS, Math.floor(model.contextTokens / model.parallelSlots));
  const seconds = tokens / speed.prompt.tokensPerSecond;
  return `The ranking ignores prompts: a prompt of ${tokens} tokens takes about ${duration(seconds)} in row ${row}.`;
}

function warningLines({ rows, chosen }: AdviceTable, width: number, paint: Paint): string[] {
  const warnings = rows.find(({ advice }) => advice === chosen)?.warnings ?? [];
  if (warnings.length === 0) return [];
  const heading = `Warnings in the plan of ${machinesText(chosen)}:`;
  return [...wrap(heading, width), "", ...findingLines(warnings, width, paint)];
}

/** `c8gn.xlarge + 2 × m8g.16xlarge`: the front and the backends' machines. */
export function machinesText(advice: Advice): string {
  const isSpot = advice.config.backends.some(({ market }) => market === "spot");
  return `${typesText(advice)}${isSpot ? " spot" : ""}`;
}

function typesText({ front, count, machine }: Advice): string {
  return `${front} + ${count} × ${machine}`;
}

/** `1.5 (1.1–1.8)`. */
export function speedText(estimate: Estimate): string {
  return `${tokensPerSecond(estimate.tokensPerSecond)} (${speedRange(estimate)})`;
}

function duration(seconds: number): string {
  return seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
