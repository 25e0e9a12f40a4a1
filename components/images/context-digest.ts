import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * A short name for what an image is built from: every file of the build context that `.dockerignore` leaves in (whole
 * paths, one per line) and every build argument.
 * It goes into the tag, so an image that changed has another name and the old one can be taken away after the
 * containers have moved; replacing an image under one name would delete the new one with the old.
 * @param context folder that is sent to the builder
 * @param buildArgs arguments of the build
 * @returns 12 hexadecimal digits
 */
export function contextDigest(context: string, buildArgs: Readonly<Record<string, string>>): string {
  const hash = createHash("sha256").update(JSON.stringify(Object.entries(buildArgs).sort()));
  const ignored = new Set(readFileSync(join(context, ".dockerignore"), "utf8").split("\n"));
  for (const name of readdirSync(context, { recursive: true, encoding: "utf8" }).sort()) {
    const path = join(context, name);
    const stats = statSync(path);
    if (!stats.isFile() || ignored.has(name)) continue;
    hash.update(`\0${name}\0${(stats.mode & 0o111) !== 0}\0`).update(readFileSync(path));
  }
  return hash.digest("hex").slice(0, 12);
}
