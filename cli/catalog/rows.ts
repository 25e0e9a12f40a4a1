/** Rows of the catalog's files as text, so that a new number takes the place of the old one and nothing else moves. */

/** One row: its cells as they are written, and where they are in the file. */
export interface Row {
  name: string;
  /** All cells, the name among them. */
  cells: string[];
  start: number;
  end: number;
}

const ROW = /\[\s*"([a-z0-9-]+\.[a-z0-9-]+)",([^\]]*)\]/g;

/** The rows of a file of the catalog. */
export function rowsOf(text: string): Row[] {
  return [...text.matchAll(ROW)].map((match) => {
    const [whole, name = "", rest = ""] = match;
    const cells = rest.split(",").map((cell) => cell.trim());
    // A row over several lines ends with a comma.
    if (cells.at(-1) === "") cells.pop();
    return { name, cells: [JSON.stringify(name), ...cells], start: match.index, end: match.index + whole.length };
  });
}

/** One cell that is to change. */
export interface Change {
  /** Machine type. */
  name: string;
  column: number;
  from: string;
  to: string;
}

/** The file with the changed cells. */
export function withChanges(text: string, changes: readonly Change[]): string {
  const byName = Map.groupBy(changes, ({ name }) => name);
  return rowsOf(text).reduceRight((file, { name, cells, start, end }) => {
    const mine = byName.get(name);
    if (mine === undefined) return file;
    const next = cells.map((cell, column) => mine.find((change) => change.column === column)?.to ?? cell);
    return `${file.slice(0, start)}[${next.join(", ")}]${file.slice(end)}`;
  }, text);
}
