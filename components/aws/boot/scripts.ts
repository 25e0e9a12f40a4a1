/** The shell scripts of a machine, and the bucket's objects that hold them. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A script that machines fetch from the bucket. */
export interface BootScript {
  /** File name on the machine. */
  name: string;
  /** Key in the bucket: `boot/<sha256>`. A new text is a new key, so that a machine never gets another than it was told. */
  key: string;
  sha256: string;
  body: string;
}

/**
 * What the bucket has to hold before a machine starts, by who needs it: `node.sh` every machine, `front.sh` the front's,
 * `stop.sh` those that stop themselves.
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

/** A file of this folder as it is. */
export function bootFile(name: string): string {
  return readFileSync(join(import.meta.dirname, name), "utf8");
}

/** Another comment is no other program: it must not replace a machine. */
export function withoutComments(script: string): string {
  return script
    .split("\n")
    .filter((line, index) => index === 0 || !/^\s*(#|$)/.test(line))
    .concat("")
    .join("\n");
}
