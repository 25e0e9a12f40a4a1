import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * A short name for what an image is built from: every file of the build context that `.dockerignore` leaves in (files
 * and folders, one per line, without patterns) and every build argument.
 * It goes into the tag, so an image that changed has another name and the old one can be taken away after the
 * containers have moved; replacing an image under one name would delete the new one with the old.
 * @param context folder that is sent to the builder
 * @param buildArgs arguments of the build
 * @param options `modes`: who may read and write a file counts too, as it does for docker-build
 * @returns 12 hexadecimal digits
 */
export function contextDigest(
  context: string,
  buildArgs: Readonly<Record<string, string>>,
  options: { modes?: boolean } = {},
): string {
  const hash = createHash("sha256").update(JSON.stringify(Object.entries(buildArgs).sort()));
  const ignored = readFileSync(join(context, ".dockerignore"), "utf8").split("\n").filter(Boolean);
  for (const name of filesBelow(context, ignored)) {
    const path = join(context, name);
    const { mode } = statSync(path);
    const counted = options.modes ? (mode & 0o777).toString(8) : (mode & 0o111) !== 0;
    hash.update(`\0${name}\0${counted}\0`).update(readFileSync(path));
  }
  return hash.digest("hex").slice(0, 12);
}

/** An ignored folder is not entered: it may hold models of any size. */
function filesBelow(context: string, ignored: readonly string[], folder = ""): string[] {
  return readdirSync(join(context, folder), { withFileTypes: true })
    .map((entry) => ({ entry, name: folder === "" ? entry.name : `${folder}/${entry.name}` }))
    .filter(({ name }) => !ignored.includes(name))
    .flatMap(({ entry, name }) =>
      entry.isDirectory() ? filesBelow(context, ignored, name) : entry.isFile() ? [name] : [],
    )
    .sort();
}
