/** The two files of the catalog. TypeScript infers loose types from JSON, so a unit test checks the files with zod. */

import families from "./families.json" with { type: "json" };
import type { Families, MachineTable } from "./schema.ts";
import types from "./types.json" with { type: "json" };

/** The contents of `types.json`. */
export const machineTable = types as unknown as MachineTable;

/** The contents of `families.json`. */
export const hardware = families as Families;
