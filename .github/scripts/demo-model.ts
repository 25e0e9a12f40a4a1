/**
 * Downloads the demo model that setup/versions.ts pins to a folder; runs without node_modules:
 *
 *   node .github/scripts/demo-model.ts FOLDER
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { download } from "../../setup/download.ts";
import { versions } from "../../setup/versions.ts";

const folder = process.argv[2];
if (!folder) throw new Error("demo-model.ts needs the folder for the model");
const { file, sha256, source } = versions.demoModel;

mkdirSync(folder, { recursive: true });
const signal = AbortSignal.timeout(300_000);
const report = { now: () => {}, say: (text: string) => console.error(text) };
await download(source, join(folder, file), sha256, report, signal);
