import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeSection } from "../../bench/results.ts";
import type { Attempt } from "./candidate.ts";

const TITLE = "Images of other platforms";

/** Prints the summary, puts it into `bench/RESULTS.md`, and says whether nothing failed. */
export function report(root: string, attempts: readonly Attempt[]): boolean {
  const rows = attempts.map(rowOf);
  const measured = new Set(rows.map(keyOf));
  // A run of some keeps what an earlier run saw of the others.
  const kept = earlierRows(root).filter((row) => !measured.has(keyOf(row)));
  const table = [
    "| image | platform | MB | build, s | started |",
    "|---|---|---|---|---|",
    ...[...kept, ...rows].sort(),
  ].join("\n");
  const note = "MB: uncompressed, base image included. A build's time is that of what the compiler cache did not hold.";
  writeSection(root, TITLE, "npm run test:images", `${table}\n\n${note}`);

  const failures = attempts.filter(({ failed, started }) => failed || started?.some(({ ok }) => !ok));
  const skips = attempts.filter(
    ({ skipped, started }) => skipped || started?.some(({ note: text }) => /^not started/.test(text)),
  );
  console.log(
    `\n${table}\n\n${attempts.length - failures.length} images in order, ${failures.length} failed, ${skips.length} with skips`,
  );
  return failures.length === 0;
}

function rowOf({ image, platform, megabytes, buildSeconds, started, skipped, failed }: Attempt): string {
  const tries = (started ?? []).map(({ what, ok, note }) => `${ok ? "" : "**failed** "}${what}: ${firstLine(note)}`);
  const fate = failed ?? (skipped ? `skipped: ${skipped}` : tries.join("; "));
  return `| ${image} | ${platform} | ${megabytes?.toFixed(0) ?? "-"} | ${buildSeconds ?? "-"} | ${cell(fate)} |`;
}

const firstLine = (text: string) => text.split("\n")[0]?.slice(0, 160) ?? "";
const cell = (text: string) => text.replaceAll("|", "\\|");
const keyOf = (row: string) => row.split("|").slice(1, 3).join("|");

function earlierRows(root: string): string[] {
  const file = join(root, "bench", "RESULTS.md");
  if (!existsSync(file)) return [];
  const section = readFileSync(file, "utf8").split(`## ${TITLE}\n`)[1]?.split("\n## ")[0] ?? "";
  return section.split("\n").filter((line) => /^\| (cpu|cuda)-/.test(line));
}
