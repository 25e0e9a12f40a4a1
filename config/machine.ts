/** What set-up says about this machine: it writes `.toolchain/machine.json`, and nothing else is read here. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { ConfigError, joinPath } from "./problems.ts";

/** A Docker build argument, and the builds that get it. */
const buildArgSchema = z.strictObject({
  value: z.string().min(1),
  /** Only for builds of this `images.version`. @default every version */
  version: z.string().min(1).optional(),
  /** Only for images of this flavour. @default every flavour */
  flavour: z.enum(["cpu", "cuda"]).optional(),
});

const machineSchema = z.strictObject({
  /** Build arguments of the images, by name. */
  buildArgs: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), buildArgSchema),
  /** `engine`: the builds need images that only this machine's Docker engine has. @default any builder will do */
  builder: z.literal("engine").optional(),
});

/** What this machine provides; without build arguments, the images are built the ordinary way. */
export type Machine = z.output<typeof machineSchema>;

const MACHINE_FILE = ".toolchain/machine.json";
const REMEDY = "Run `npm start` or `node cli/bootstrap.mjs setup`, which write the file again.";

/**
 * What this machine provides; nothing particular if set-up has not written the file.
 * @throws {ConfigError} if the file is there and does not hold what set-up writes
 */
export function readMachine(projectRoot: string): Machine {
  const file = join(projectRoot, MACHINE_FILE);
  if (!existsSync(file)) return { buildArgs: {} };
  const result = machineSchema.safeParse(parseJson(readFileSync(file, "utf8")));
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map((issue) => ({
      path: [MACHINE_FILE, joinPath(issue.path)].filter((part) => part !== "").join(": "),
      value: issue.message,
      rule: "must hold what set-up writes",
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
