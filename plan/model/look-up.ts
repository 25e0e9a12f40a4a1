/**
 * Gets a model's facts for `npm run plan`, over the network if necessary, and writes them to the lock file. A preview only
 * reads the lock file.
 */

import { describeFileError } from "../../config/file-errors.ts";
import { isLocalSource } from "../../config/model-source.ts";
import { factsOfModel, type ModelFacts } from "./facts.ts";
import { isSameModel, keepModel, keptModel, LOCK_FILE } from "./lock.ts";
import { ModelError } from "./model-error.ts";
import { type ModelAccess, type ReadModel, readModel } from "./sources.ts";

/** The facts, and a note for the user if something was written or is missing. */
export interface LookedUp {
  facts: ModelFacts;
  note: string | null;
}

/**
 * Looks a model up. A file on this machine is read; if it does not exist, the lock file is used instead. Any other model
 * is read once and then taken from the lock file.
 * @param renew read the model again and update the lock file
 * @throws {ModelError} in one sentence that says what to do
 */
export async function lookUpModel(source: string, access: ModelAccess, renew: boolean): Promise<LookedUp> {
  const kept = keptModel(source, access.projectRoot);
  if (isLocalSource(source)) return lookUpFile(source, access, renew, kept);
  if (kept !== null && !renew) return { facts: factsOfModel(kept, source), note: null };
  const read = await readModel(source, access);
  return { facts: factsOfModel(read, source), note: keep(source, access, read, kept) };
}

async function lookUpFile(
  source: string,
  access: ModelAccess,
  renew: boolean,
  kept: ReadModel | null,
): Promise<LookedUp> {
  const read = await readOr(kept, () => readModel(source, access));
  if (read === kept) {
    return {
      facts: factsOfModel(read, source),
      note: `${source} is not on this machine: planned with its facts in ${LOCK_FILE}.`,
    };
  }
  const facts = factsOfModel(read, source);
  if (kept !== null && !renew)
    return { facts: isSameModel(kept, read) ? facts : { ...facts, changed: true }, note: null };
  return { facts, note: keep(source, access, read, kept) };
}

async function readOr(kept: ReadModel | null, read: () => Promise<ReadModel>): Promise<ReadModel> {
  try {
    return await read();
  } catch (error) {
    if (kept !== null && error instanceof ModelError && error.isMissing) return kept;
    throw error;
  }
}

function keep(source: string, { projectRoot }: ModelAccess, read: ReadModel, kept: ReadModel | null): string | null {
  if (kept !== null && isSameModel(kept, read))
    return `${source} is unchanged since its facts were kept in ${LOCK_FILE}.`;
  try {
    if (!keepModel(source, projectRoot, read)) return null;
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    // The plan does not need the lock file, because the facts were read.
    return `The facts of ${source} can't be kept in ${LOCK_FILE}: ${describeFileError(String(error.code), LOCK_FILE) ?? error.message}`;
  }
  return kept === null
    ? `The facts of ${source} are now kept in ${LOCK_FILE}: commit it.`
    : `${source} has changed since its facts were kept; ${LOCK_FILE} now has the new ones: commit it.`;
}
