/** The small model that stack `local` serves. */
import { existsSync, statSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { download } from "../download.ts";
import { paths } from "../paths.ts";
import { unreachable } from "../probe.ts";
import type { Step, Way } from "../runner.ts";
import { megabytes } from "../terminal.ts";
import { versions } from "../versions.ts";

const model = versions.demoModel;
/** Where the model goes. */
export const modelFile = join(paths.models, model.file);

/** The front reads the file as a user of its own, whatever this user's umask makes of new files. */
export const MODEL_MODE = 0o644;
const isComplete = () => existsSync(modelFile) && statSync(modelFile).size === model.bytes;

const fromHuggingFace: Way = {
  how: "Hugging Face",
  typical: megabytes(model.bytes),
  blocked: () => unreachable(model.source),
  run: async (report, signal) => {
    await download(model.source, modelFile, model.sha256, report, signal);
    await chmod(modelFile, MODEL_MODE);
  },
};

const makeReadable: Way = {
  how: "making the file readable for the front's user (chmod 0644)",
  typical: "at once",
  blocked: async () => null,
  run: () => chmod(modelFile, MODEL_MODE),
};

/** The demo model, checked by its hash when it comes and by its size and mode afterwards. */
export const modelStep: Step = {
  name: "demo model",
  why: `${model.file}, ${megabytes(model.bytes)}`,
  lane: "fetch",
  have: async () => (isComplete() && (statSync(modelFile).mode & 0o444) === 0o444 ? `.models/${model.file}` : null),
  // A file that is there needs no server to answer.
  get get() {
    return isComplete() ? makeReadable : fromHuggingFace;
  },
};
