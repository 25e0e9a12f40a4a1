/** The catalog's two files. TypeScript reads a row as a list and a word as any string; a unit test checks them with zod. */

import families from "./families.json" with { type: "json" };
import type { Families, MachineTable } from "./schema.ts";
import types from "./types.json" with { type: "json" };

/** What `types.json` says. */
export const machineTable = types as unknown as MachineTable;

/** What `families.json` says. */
export const hardware = families as Families;
