/** The shell scripts of a machine, and the objects in the bucket that hold them. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A script that machines fetch from the bucket. */
export interface BootScript {
  /** File name on the machine. */
  name: string;
  /** Key in the bucket: `boot/<sha256>`. A new text has a new key, so a machine always gets the text that its user data names. */
  key: string;
  sha256: string;
  body: string;
}

/**
 * The scripts that the bucket must hold before a machine starts: `node.sh` for every machine, `front.sh` for the front's,
 * `stop.sh` for machines that stop themselves.
 */
export const bootScripts = {
  node: bootScript("node.sh"),
  front: bootScript("front.sh"),
  stop: bootScript("stop.sh"),
} as const satisfies Record<string, BootScript>;

function bootScript(name: string): BootScript {
  const body = withoutComments(bootFile(name));
  const sha256 = createHash("sha256").update(body).digest("hex");
  return { name, key: `boot/${sha256}`, sha256, body };
}

/** A file of this folder, unchanged. */
export function bootFile(name: string): string {
  return readFileSync(join(import.meta.dirname, name), "utf8");
}

/** Removes comments, because a changed comment must not replace a machine. */
export function withoutComments(script: string): string {
  return script
    .split("\n")
    .filter((line, index) => index === 0 || !/^\s*(#|$)/.test(line))
    .concat("")
    .join("\n");
}
