/** Images that are imported into the engine from an archive. */
import { execa } from "execa";
import { tail } from "../setup/programs.ts";
import type { Report } from "../setup/terminal.ts";

/** The change that labels an imported image with what it was made from. */
export const madeHere = (what: string): string => `LABEL llama-rpc-cluster/made-here=${what}`;

/** Imports what `program` writes as an image; the pipe is theirs, so nothing passes through this process. */
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
