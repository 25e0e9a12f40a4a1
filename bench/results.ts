import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";

const HEADER =
  "# Measured\n\nA script writes each section; run the script that the section names to measure your machine.\n";

/**
 * Writes a section to `bench/RESULTS.md` and replaces the one with the same title.
 * @param root folder of the project
 * @param title heading of the section
 * @param script command that measures again
 * @param body the section's text or tables, in Markdown
 */
export function writeSection(root: string, title: string, script: string, body: string): void {
  const file = join(root, "bench", "RESULTS.md");
  const sections = new Map(existsSync(file) ? sectionsOf(readFileSync(file, "utf8")) : []);
  const when = new Date().toISOString().slice(0, 10);
  const machine = `${cpus().length} cores, ${cpus()[0]?.model.trim() || "unknown processor"}`;
  sections.set(title, `\`${script}\`, ${when}, ${machine}.\n\n${body.trim()}\n`);
  const text = [...sections].map(([name, content]) => `## ${name}\n\n${content}`).join("\n");
  writeFileSync(file, `${HEADER}\n${text}`);
}

function sectionsOf(text: string): [string, string][] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const end = section.indexOf("\n");
      return [section.slice(0, end), `${section.slice(end + 1).trim()}\n`];
    });
}

/** The middle value, or the mean of the two middle values. @throws {Error} if there are no values */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new Error("There is no median of nothing: measure at least once.");
  return (low + high) / 2;
}
