/** What this machine provides, as set-up wrote it to `.toolchain/machine.json`. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { ConfigError, joinPath } from "./problems.ts";

const machineSchema = z.strictObject({
  /** Local image whose `/llama.cpp` holds the source tree, where git can't be reached. */
  llamaCppSourceImage: z.string().min(1).optional(),
  /** Where the CUDA compiler and libraries come from. */
  cudaFrom: z.enum(["nvidia", "debian"]).optional(),
});

/** What this machine provides; an absent entry means that the ordinary way works. */
export type Machine = z.output<typeof machineSchema>;

const MACHINE_FILE = ".toolchain/machine.json";
const REMEDY = "Delete the file and run `npm start`, which writes it anew.";

/**
 * What this machine provides; an empty object if set-up wrote no file.
 * @throws {ConfigError} if the file is there and can't be understood
 */
export function readMachine(projectRoot: string): Machine {
  const file = join(projectRoot, MACHINE_FILE);
  if (!existsSync(file)) return {};
  const result = machineSchema.safeParse(parseJson(readFileSync(file, "utf8")));
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map((issue) => ({
      path: [MACHINE_FILE, joinPath(issue.path)].filter((part) => part !== "").join(": "),
      value: issue.message,
      rule: "must hold what npm start writes",
      remedy: REMEDY,
    })),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigError([{ path: MACHINE_FILE, value: text, rule: "must be JSON", remedy: REMEDY }]);
  }
}
