/** Runs programs of other folders. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { UserError } from "../config/errors.ts";
import { projectRoot } from "../setup/paths.ts";

/** Runs a program on this terminal and returns its exit code. */
export async function onTerminal(program: string, args: readonly string[], signal: AbortSignal): Promise<number> {
  const result = await execa(program, [...args], {
    cwd: projectRoot,
    stdio: "inherit",
    reject: false,
    cancelSignal: signal,
    forceKillAfterDelay: 20_000,
  });
  signal.throwIfAborted();
  if (result.exitCode === undefined) throw new UserError(`${program} could not be run: ${result.shortMessage}`);
  return result.exitCode;
}

/** Runs a TypeScript file of this project with the project's own Node. */
export async function runFile(file: string, args: readonly string[], signal: AbortSignal): Promise<number> {
  if (!existsSync(join(projectRoot, file))) throw new UserError(`${file} is not part of this version.`);
  return onTerminal(process.execPath, [file, ...args], signal);
}
