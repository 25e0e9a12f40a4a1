/** A graph as a text that a reviewer can read in a diff. */

import type { GraphNode } from "./resource-graph.ts";

/** The hash of a program of ours, which follows every edit that git shows already. */
const PROGRAM_HASH = /(\bboot\/|\w+\.sh )[0-9a-f]{64}/g;

/**
 * JSON with one resource a block. A text of several lines becomes a list of its lines, under `lines`, and a text that
 * is JSON becomes what it says, under `json`: user data and policies are not escaped into one line.
 */
export function graphText(graph: readonly GraphNode[]): string {
  return `${JSON.stringify(
    graph.map(({ inputs, ...node }) => ({ ...node, inputs: unfold(inputs) })),
    null,
    2,
  )}\n`;
}

/** The graph that a text was made of; contents that the text leaves out stay left out. */
export function graphFromText(text: string): GraphNode[] {
  return (JSON.parse(text) as GraphNode[]).map((node) => ({ ...node, inputs: folded(node.inputs) }));
}

function folded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(folded);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [key, folded(inner)]);
  const [[key, inner] = [], more] = entries;
  if (more === undefined && key === "lines" && Array.isArray(inner)) return inner.join("\n");
  if (more === undefined && key === "json") return JSON.stringify(inner);
  return Object.fromEntries(entries);
}

function unfold(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unfold);
  if (typeof value === "string") return unfoldText(value);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unfold(inner)]));
}

function unfoldText(text: string): unknown {
  const json = /^\s*[[{]/.test(text) ? parsed(text) : undefined;
  if (json !== undefined) return { json: unfold(json) };
  if (text.startsWith("#!")) return "<content>";
  const shown = text.replace(PROGRAM_HASH, "$1<content>");
  return shown.trimEnd().includes("\n") ? { lines: shown.split("\n") } : shown;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A text that only begins like JSON is shown as it is.
    return undefined;
  }
}
