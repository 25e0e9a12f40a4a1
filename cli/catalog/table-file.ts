/** Reads and writes `plan/catalog/types.json` in its fixed layout, so that a diff shows only the changes. */

import { readFileSync, writeFileSync } from "node:fs";
import * as z from "zod";
import { UserError } from "../../config/errors.ts";
import { type MachineTable, tableSchema } from "../../plan/catalog/schema.ts";

/** A value of a row. */
export type Cell = MachineTable["types"][number][number];

/** Longest line, as in `biome.json`: a longer array or object gets one line for each of its parts. */
const LINE_WIDTH = 120;

/** @throws {UserError} with every place in the file that does not fit the schema */
export function readTable(path: string): MachineTable {
  const { success, data, error } = tableSchema.safeParse(JSON.parse(readFileSync(path, "utf8")));
  if (!success) throw new UserError(`${path} is not the catalog's table:\n${z.prettifyError(error)}`);
  return data;
}

/**
 * Writes the table if that changes the file.
 * @returns whether it changed the file
 */
export function writeTable(path: string, table: MachineTable): boolean {
  const text = tableText(tableSchema.parse(table));
  if (text === readFileSync(path, "utf8")) return false;
  writeFileSync(path, text);
  return true;
}

/** The whole file: the table's members one below the other. */
export function tableText(table: MachineTable): string {
  return `${inLines(table, "")}\n`;
}

/** A value as JSON in one line. */
export function inline(value: unknown): string {
  const parts = partsOf(value, inline);
  if (parts === null) return JSON.stringify(value);
  if (parts.length === 0) return Array.isArray(value) ? "[]" : "{}";
  return Array.isArray(value) ? `[${parts.join(", ")}]` : `{ ${parts.join(", ")} }`;
}

function inLines(value: unknown, indent: string): string {
  const inner = `${indent}  `;
  const parts = partsOf(value, (part, key) => {
    const line = inline(part);
    // Leave room for the comma.
    const fits = `${inner}${key}${line},`.length <= LINE_WIDTH || partsOf(part, inline) === null;
    return fits ? line : inLines(part, inner);
  });
  if (parts === null) return JSON.stringify(value);
  const lines = parts.map((part) => `${inner}${part}`).join(",\n");
  return Array.isArray(value) ? `[\n${lines}\n${indent}]` : `{\n${lines}\n${indent}}`;
}

/** The parts of an array or an object as text, those of an object with their keys; null if the value has no parts. */
function partsOf(value: unknown, write: (part: unknown, key: string) => string): string[] | null {
  if (typeof value !== "object" || value === null) return null;
  if (Array.isArray(value)) return value.map((part) => write(part, ""));
  return Object.entries(value).map(([name, part]) => {
    const key = `${JSON.stringify(name)}: `;
    return key + write(part, key);
  });
}
