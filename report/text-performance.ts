/** Formats the speed and the cost of a planned cluster for a terminal. */

import { HOURS_PER_MONTH } from "../plan/cost/prices.ts";
import type { CostLine } from "../plan/cost/quote.ts";
import type { ClusterPlan } from "../plan/plan.ts";
import { tokensPerSecond } from "../plan/speed/estimate.ts";
import type { Seconds } from "../plan/speed/work.ts";
import { speedRange, usd } from "./amounts.ts";
import { bar, columns, hanging, labelled, type Paint, type Style, wrap } from "./layout.ts";
import { notSold } from "./text-machines.ts";

const BAR_WIDTH = 60;

const TIME_PARTS: readonly { key: keyof Seconds; character: string; style: Style }[] = [
  { key: "memory", character: "█", style: "blue" },
  { key: "network", character: "▓", style: "yellow" },
  { key: "compute", character: "▒", style: "magenta" },
  { key: "overhead", character: "░", style: "dim" },
];

/** Whether every device has enough memory for its part of the split. */
export function fits({ front, backends }: ClusterPlan): boolean {
  return [front, ...backends].every(({ memory }) => memory.totalBytes <= memory.capacityBytes);
}

/** The speed, the parts of a token's time, and the time to load the model. */
export function speedLines(plan: ClusterPlan, width: number, paint: Paint): string[] {
  if (plan.target === "docker") {
    const why = "the planner does not know its memory bandwidth";
    return wrap(`Your own machine costs nothing per hour. Its speed is not estimated, because ${why}.`, width);
  }
  if (plan.speed === null || plan.load === null || !fits(plan)) {
    return wrap("No speed is estimated for a model that does not fit.", width);
  }
  const { decode, prompt, because } = plan.speed;
  const label = (name: string, text: string) => labelled(name, 8, text, width, paint);
  const room = Math.min(BAR_WIDTH, width - 8);
  const parts = TIME_PARTS.map(({ key, character, style }) => ({ amount: decode.parts[key], character, style }));
  const shares = TIME_PARTS.map(
    ({ key, character }) => `${character} ${key} ${Math.round((decode.parts[key] / decode.secondsPerToken) * 100)} %`,
  );
  return [
    ...label("decode", `about ${tokensPerSecond(decode.tokensPerSecond)} tokens per second (${speedRange(decode)})`),
    " ".repeat(8) + bar(parts, decode.secondsPerToken, room, paint),
    ...hanging(" ".repeat(8), shares.join("   "), width),
    ...label("prompt", `about ${tokensPerSecond(prompt.tokensPerSecond)} tokens per second (${speedRange(prompt)})`),
    ...label("load", plan.load.because),
    ...label("why", because.join(" ")),
  ];
}

/** The cost by part, and what the numbers do not cover. */
export function costLines(plan: ClusterPlan, width: number, paint: Paint): string[] {
  const { cost, region, speed } = plan;
  if (plan.target === "docker") return [];
  if (cost === null) {
    return wrap(`No cost: ${region} does not sell ${notSold(plan).join(" and ")} on demand.`, width);
  }
  const total = { kind: "total", what: "", usdPerHour: cost.usdPerHour, usdPerMonth: cost.usdPerMonth };
  const hours = Math.round(cost.machineHoursPerMonth);
  const running =
    hours === HOURS_PER_MONTH
      ? `The machines run all ${HOURS_PER_MONTH} hours of a month.`
      : `The machines run ${hours} of the ${HOURS_PER_MONTH} hours of a month; everything else is paid for all ${HOURS_PER_MONTH}.`;
  const perToken =
    cost.usdPerMillionTokens === null || speed === null || !fits(plan)
      ? []
      : [
          `A million generated tokens cost ${usd(cost.usdPerMillionTokens)} US dollars at ${speedRange(speed.decode)} tokens per second, one answer at a time.`,
        ];
  const small = [`Prices as of ${cost.asOf}.`, ...cost.unknowns].join(" ");
  return [
    ...table([...cost.lines, total], width, paint),
    ...[...perToken, running].flatMap((sentence) => wrap(sentence, width)),
    ...wrap(small, width).map((line) => paint("dim", line)),
  ];
}

type CostRow = Pick<CostLine, "what" | "usdPerHour" | "usdPerMonth"> & { kind: string };

/** A table of kind, what, price per hour and per month. If four columns do not fit, the amounts get separate lines. */
function table(rows: readonly CostRow[], width: number, paint: Paint): string[] {
  const amounts = amountColumns(rows);
  const names = columns([
    ["US dollars", ""],
    ...rows.map(({ kind, what }, index) => [rows[index - 1]?.kind === kind ? "" : kind, what]),
  ]);
  const lines = names.map((name, index) => `${name}  ${amounts[index] ?? ""}`);
  const isNarrow = lines.some((line) => line.length > width);
  const text = isNarrow
    ? rows.flatMap(({ kind, what, usdPerHour, usdPerMonth }) => [
        what === "" ? kind : `${kind}: ${what}`,
        `  ${usd(usdPerHour)} US dollars per hour, ${usd(usdPerMonth)} per month`,
      ])
    : lines;
  const totalAt = text.length - (isNarrow ? 2 : 1);
  return text.map((line, index) => {
    if (index >= totalAt) return paint("bold", line);
    return index === 0 && !isNarrow ? paint("dim", line) : line;
  });
}

function amountColumns(rows: readonly CostRow[]): string[] {
  const cells = [
    ["per hour", "per month"],
    ...rows.map(({ usdPerHour, usdPerMonth }) => [usd(usdPerHour), usd(usdPerMonth)]),
  ];
  const widths = [0, 1].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  "));
}
