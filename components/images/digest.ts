import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * A short hash of what an image is built from: every build argument and every file of the build context that
 * `.dockerignore` leaves in (files and folders, one per line, without patterns).
 * It is part of the tag, so a changed image has a new name and the old image can be removed after the containers have
 * moved. If both had the same name, removing the old image would delete the new one.
 * @param context the build context's folder
 * @param buildArgs arguments of the build
 * @param options `modes`: count the files' permissions too, as docker-build does
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

/** Does not read ignored folders, because they may hold models of any size. */
function filesBelow(context: string, ignored: readonly string[], folder = ""): string[] {
  return readdirSync(join(context, folder), { withFileTypes: true })
    .map((entry) => ({ entry, name: folder === "" ? entry.name : `${folder}/${entry.name}` }))
    .filter(({ name }) => !ignored.includes(name))
    .flatMap(({ entry, name }) =>
      entry.isDirectory() ? filesBelow(context, ignored, name) : entry.isFile() ? [name] : [],
    )
    .sort();
}
