/** Shows in logs what a long `pulumi up` is doing, because Pulumi prints only dots during a build. */
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { duration } from "../../setup/terminal.ts";

const EVERY_MS = 15_000;

/** The source file of a compiler's command line; null if it is not a compiler's. */
export function compiledFile(commandLine: string): string | null {
  const [program = "", ...args] = commandLine.split("\0");
  if (!/^(cc1|cc1plus|cicc|ptxas)$/.test(basename(program))) return null;
  const source = args.find((argument) => /\.(c|cc|cpp|cu|ptx|gpu)$/.test(argument));
  return source === undefined ? null : basename(source);
}

/** Source files that are being compiled on this machine, also in containers; none if /proc can't be read. */
function filesBeingCompiled(): string[] {
  try {
    const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    const files = processes.map((id) => {
      try {
        return compiledFile(readFileSync(`/proc/${id}/cmdline`, "utf8"));
      } catch {
        return null; // the process has ended
      }
    });
    return [...new Set(files.filter((file) => file !== null))];
  } catch {
    return [];
  }
}

/** Prints a line now and then until the returned function is called. */
export function reportActivity(print: (line: string) => void): () => void {
  const started = Date.now();
  const timer = setInterval(() => {
    const files = filesBeingCompiled();
    const what =
      files.length > 0
        ? `working; this machine is compiling ${files.slice(0, 2).join(", ")} (llama.cpp takes about 16 min on 2 cores, once)`
        : "working";
    print(`  … ${what}, ${duration(Date.now() - started)} so far`);
  }, EVERY_MS);
  return () => clearInterval(timer);
}
