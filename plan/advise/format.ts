/** Clusters that were found, as a person wants to see them in a terminal. */

import { bytes, speedRange, tokensPerSecond } from "../format-amounts.ts";
import type { ModelFacts } from "../model/facts.ts";
import type { Estimate } from "../speed/estimate.ts";
import { columns, type Paint, painter, type TextOptions, wrap } from "../terminal.ts";
import type { Advice, Winners, Wishes } from "./search.ts";

const DEFAULT_WIDTH = 100;

/** What a table shows. */
export interface AdviceTable {
  facts: ModelFacts;
  wishes: Wishes;
  /** Best value first. */
  rows: readonly Advice[];
  winners: Winners;
}

/** Renders the table and what must be known about its numbers. */
export function formatAdvice(table: AdviceTable, options: TextOptions = {}): string {
  const width = options.width ?? DEFAULT_WIDTH;
  const paint = painter(options.colour ?? false);
  const sections = [
    [paint("bold", table.facts.name), ...wrap(heading(table), width)],
    tableLines(table, width, paint),
    remarks(table).flatMap((remark) => wrap(remark, width).map((line) => paint("dim", line))),
  ];
  return sections.map((lines) => lines.map((line) => line.trimEnd()).join("\n")).join("\n\n");
}

function heading({ facts, wishes: { base, spot } }: AdviceTable): string {
  const { contextTokens, parallelSlots, kvCacheType } = base.model;
  const slots = parallelSlots === 1 ? "1 slot" : `${parallelSlots} slots`;
  return [
    facts.architecture,
    facts.quantization,
    bytes(facts.fileBytes),
    `${facts.layers} layers`,
    `${contextTokens} tokens of context in ${slots}`,
    `KV cache ${kvCacheType}`,
    `${spot ? "spot" : "on-demand"} machines in ${String(base.aws?.region)}, best value first`,
  ].join(", ");
}

/** A column; those that a narrow terminal has no room for are left out, the highest number first. */
interface Column {
  title: string;
  dispensable: number;
  isNumber: boolean;
  cell(advice: Advice, index: number): string;
}

function columnsOf(winners: Winners): Column[] {
  const number = (title: string, dispensable: number, cell: Column["cell"]): Column => ({
    title,
    dispensable,
    isNumber: true,
    cell,
  });
  return [
    number("", 1, (_, index) => String(index + 1)),
    { title: "machines", dispensable: 0, isNumber: false, cell: machinesText },
    number("tok/s", 0, ({ speed }) => tokensPerSecond(speed.decode.tokensPerSecond)),
    { title: "from–to", dispensable: 3, isNumber: false, cell: ({ speed }) => speedRange(speed.decode) },
    number("prompt", 4, ({ speed }) => tokensPerSecond(speed.prompt.tokensPerSecond)),
    number("load", 5, ({ load }) => duration(load.seconds)),
    number("$/h", 0, ({ usdPerHour }) => dollars(usdPerHour)),
    number("$/month", 6, ({ usdPerMonth }) => dollars(usdPerMonth)),
    number("$/M tok", 2, ({ usdPerMillionTokens }) => dollars(usdPerMillionTokens)),
    { title: "", dispensable: 0, isNumber: false, cell: (advice) => titlesOf(advice, winners).join(", ") },
  ];
}

function tableLines({ rows, winners }: AdviceTable, width: number, paint: Paint): string[] {
  let shown = columnsOf(winners);
  const drawn = () => {
    const cells = [
      shown.map(({ title }) => title),
      ...rows.map((row, index) => shown.map(({ cell }) => cell(row, index))),
    ];
    const widths = shown.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
    const aligned = cells.map((row) =>
      row.map((cell, column) => (shown[column]?.isNumber === true ? cell.padStart(widths[column] ?? 0) : cell)),
    );
    return columns(aligned).map((line) => line.trimEnd());
  };
  const leave = () => Math.max(...shown.map(({ dispensable }) => dispensable));
  while (leave() > 0 && Math.max(...drawn().map(({ length }) => length)) > width) {
    const least = leave();
    shown = shown.filter(({ dispensable }) => dispensable !== least);
  }
  const [titles = "", ...lines] = drawn();
  return [
    paint("dim", titles),
    ...lines.map((line, index) => (isWinner(rows[index], winners) ? paint("bold", line) : line)),
  ];
}

function isWinner(advice: Advice | undefined, winners: Winners): boolean {
  return advice !== undefined && titlesOf(advice, winners).length > 0;
}

/** What an entry is the best at. */
export function titlesOf(advice: Advice, { cheapest, fastest, value }: Winners): string[] {
  return [
    ...(advice === value ? ["best value"] : []),
    ...(advice === cheapest ? ["cheapest"] : []),
    ...(advice === fastest ? ["fastest"] : []),
  ];
}

function remarks({ wishes, winners }: AdviceTable): string[] {
  const { cost } = winners.value;
  return [
    "All figures are estimates. tok/s: an answer's tokens per second, one request at a time, with half of the context filled; from–to: how far that may be off. prompt: a long prompt's tokens per second. load: until the model is in memory.",
    `$: US dollars, prices as of ${cost.asOf}, for machines that run all the time. $/M tok: a million tokens at the estimated speed, one answer after the other.`,
    ...(wishes.spot
      ? [
          "Spot machines count with the middle between a low price and the on-demand price, against the budget with the latter.",
        ]
      : []),
    ...cost.unknowns,
  ];
}

/** `c8gn.xlarge + 2 × m8g.16xlarge`: the front and the backends' machines. */
export function machinesText({ front, count, machine, config }: Advice): string {
  const spot = config.backends.some(({ market }) => market === "spot") ? " spot" : "";
  return `${front} + ${count} × ${machine}${spot}`;
}

/** `1.5 (1.1–1.8)`. */
export function speedText(estimate: Estimate): string {
  return `${tokensPerSecond(estimate.tokensPerSecond)} (${speedRange(estimate)})`;
}

/** An amount of US dollars: with cents where they are a part of it that counts. */
export function dollars(amount: number): string {
  return amount < 100 ? amount.toFixed(2) : amount.toFixed(0);
}

function duration(seconds: number): string {
  return seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
