/** The SVG elements of the picture. Every text goes through {@link escaped}. */

/** Attributes of an element. Numbers are written with at most two decimals. */
export type Attributes = Readonly<Record<string, string | number>>;

/** A text escaped for XML. Characters that XML does not allow become spaces. */
export function escaped(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\ufffe\uffff]/gu, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** An element. `content` is SVG and is not escaped. */
export function element(name: string, attributes: Attributes, content = ""): string {
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(writtenValue(value))}"`);
  return content === "" ? `<${name}${pairs.join("")}/>` : `<${name}${pairs.join("")}>${content}</${name}>`;
}

function writtenValue(value: string | number): string {
  return typeof value === "number" ? String(Number(value.toFixed(2))) : value;
}

/** A rectangle with round corners. */
export function box(x: number, y: number, width: number, height: number, style: string, radius = 0): string {
  return element("rect", { x, y, width, height, ...(radius === 0 ? {} : { rx: radius }), class: style });
}

export interface TextStyle {
  size: number;
  style: string;
  anchor?: "start" | "middle" | "end";
  /** Width in pixels; a longer text is cut. @default no limit */
  room?: number;
  /** The end of a longer text that is kept. @default "start" */
  keep?: "start" | "end";
}

/** A line of text. */
export function line(
  x: number,
  y: number,
  text: string,
  { size, style, anchor = "start", room, keep }: TextStyle,
): string {
  const shown = room === undefined ? text : shortened(text, room, size, keep);
  const aligned = anchor === "start" ? {} : { "text-anchor": anchor };
  return element("text", { x, y, "font-size": size, class: style, ...aligned }, escaped(shown));
}

/** Average width of a character over the font size, with a margin because the viewer chooses the font. */
const CHARACTER_WIDTH = 0.58;

/** Cuts a text to the room. The width is an estimate, because the font is unknown. */
export function shortened(text: string, room: number, size: number, keep: "start" | "end" = "start"): string {
  const most = Math.max(2, Math.floor(room / (size * CHARACTER_WIDTH)));
  const characters = [...text];
  if (characters.length <= most) return text;
  return keep === "start" ? `${characters.slice(0, most - 1).join("")}…` : `…${characters.slice(-(most - 1)).join("")}`;
}
