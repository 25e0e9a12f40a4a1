/** Imports images into the engine from an archive. */
import { execa } from "execa";
import { tail } from "../setup/programs.ts";
import type { Report } from "../setup/terminal.ts";

/** The change that labels an imported image with its source. */
export const madeHere = (what: string): string => `LABEL llama-rpc-cluster/made-here=${what}`;

/** Imports the output of `program` as an image, over a pipe between the two programs. */
export async function importTar(
  tarArgs: readonly string[],
  reference: string,
  changes: readonly string[],
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  report.now("importing into the engine");
  const flags = changes.flatMap((change) => ["--change", change]);
  const result = await execa("tar", [...tarArgs], {
    cancelSignal: signal,
    reject: false,
    stdin: "ignore",
    buffer: { stdout: false },
  }).pipe("docker", ["import", ...flags, "-", reference], { reject: false, cancelSignal: signal });
  if (result.failed)
    throw new Error(`docker import of ${reference} failed: ${tail(result.stderr || result.shortMessage || "")}`);
}
