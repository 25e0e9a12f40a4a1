/** Writes the configuration reference anew: `node config/reference-main.ts`. */

import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { configurationReference, REFERENCE_FILE } from "./reference.ts";

const projectRoot = dirname(import.meta.dirname);
writeFileSync(join(projectRoot, REFERENCE_FILE), configurationReference());
process.stdout.write(`${REFERENCE_FILE} is up to date.\n`);
