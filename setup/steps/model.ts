/** Step for the small model of stack `local`. */
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
/** Path of the model. */
export const modelFile = join(paths.models, model.file);

/** The front reads the file as another user, so the mode must not depend on this user's umask. */
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

/** The demo model: its hash is checked after the download, its size and mode in later runs. */
export const modelStep: Step = {
  name: "demo model",
  why: `${model.file}, ${megabytes(model.bytes)}`,
  lane: "fetch",
  have: async () => (isComplete() && (statSync(modelFile).mode & 0o444) === 0o444 ? `.models/${model.file}` : null),
  // An existing file needs no server.
  get get() {
    return isComplete() ? makeReadable : fromHuggingFace;
  },
};
