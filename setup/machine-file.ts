/** Writes the file that config/machine.ts reads. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { type Machine, readMachine } from "../config/machine.ts";
import { ConfigError } from "../config/problems.ts";
import { type ProjectPaths, paths } from "./paths.ts";
import { writeAtomically } from "./stamps.ts";

/** The machine file's content; null if it does not exist or is not what set-up writes. */
export function knownMachine({ root, machineFile }: ProjectPaths = paths): Machine | null {
  if (!existsSync(machineFile)) return null;
  try {
    return readMachine(root);
  } catch (error) {
    if (error instanceof ConfigError) return null;
    throw error;
  }
}

/** Replaces the machine file. */
export async function writeMachine(machine: Machine, { toolchain, machineFile }: ProjectPaths = paths): Promise<void> {
  await mkdir(toolchain, { recursive: true });
  await writeAtomically(machineFile, `${JSON.stringify(machine, null, 2)}\n`);
}
