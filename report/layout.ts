/** Text for a terminal: widths, colours, bars and wrapped lines. It does not depend on plans. */

import { styleText } from "node:util";

/** Width and colours of the text. */
export interface TextOptions {
  /** Columns. @default 100 */
  width?: number;
  /** ANSI colours; leave off unless the output is a terminal. @default false */
  colour?: boolean;
}

/**
 * Width and colours of standard output.
 * @param mostColumns the most columns to use in a wider terminal, because long lines are hard to read
 */
export function terminalOptions(mostColumns: number): Required<TextOptions> {
  const { isTTY, columns } = process.stdout;
  return { width: Math.min(columns ?? 100, mostColumns), colour: isTTY === true && process.stdout.hasColors() };
}

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan";
/** Adds a style to a text if colours are on. */
export type Paint = (style: Style, text: string) => string;

export function painter(colour: boolean): Paint {
  // The caller has already checked whether the output shows colours.
  return (style, text) => (colour && text !== "" ? styleText(style, text, { validateStream: false }) : text);
}

/** One part of a bar. */
export interface BarPart {
  amount: number;
  character: string;
  style: Style;
}

/**
 * A bar of `width` characters for `capacity`. Parts beyond the capacity are cut off. The boundaries between parts are
 * rounded, not the parts, so that the filled length is right.
 */
export function bar(parts: readonly BarPart[], capacity: number, width: number, paint: Paint): string {
  const column = (amount: number) => Math.min(width, Math.round((amount / capacity) * width));
  let sum = 0;
  let filled = 0;
  const pieces = parts.map(({ amount, character, style }) => {
    sum += amount;
    const end = Math.max(filled, column(sum));
    const piece = paint(style, character.repeat(end - filled));
    filled = end;
    return piece;
  });
  return `${pieces.join("")}${paint("dim", "·".repeat(width - filled))}`;
}

/** Breaks a text at spaces into lines of at most `width` characters. A longer word gets its own line. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** A wrapped text after a heading; the further lines are indented by the width of the heading. */
export function hanging(heading: string, text: string, width: number): string[] {
  const lines = wrap(text, Math.max(20, width - heading.length));
  return lines.map((line, index) => (index === 0 ? heading : " ".repeat(heading.length)) + line);
}

/** Columns side by side, each as wide as its widest cell. */
export function columns(rows: readonly (readonly string[])[], gap = "  "): string[] {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows.map((row) => row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(gap));
}

/** A value after its label; the further lines start below the value. */
export function labelled(label: string, indent: number, text: string, width: number, paint: Paint): string[] {
  const [first = "", ...rest] = hanging(label.padEnd(indent), text, width);
  return [paint("dim", first.slice(0, indent)) + first.slice(indent), ...rest];
}
