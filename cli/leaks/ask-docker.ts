/** Asks the Docker engine for leftovers of a stack. */

import { execa } from "execa";
import { UserError } from "../../config/errors.ts";
import { engineVersion } from "../../setup/docker.ts";
import type { Leak } from "./leak.ts";
import { STACK_TAG } from "./names.ts";

/** How to list each kind, in the order of removal. */
const KINDS = [
  { kind: "container", list: ["ls", "--all", "--format", "{{.Names}}"] },
  { kind: "network", list: ["ls", "--format", "{{.Name}}"] },
  { kind: "volume", list: ["ls", "--format", "{{.Name}}"] },
] as const;

/**
 * Asks for everything with the stack's label, except images, which are kept on purpose for the next start.
 * @throws {UserError} if no engine answers
 */
export async function askDockerForLeaks(stack: string, signal: AbortSignal): Promise<Leak[]> {
  if ((await engineVersion()) === null)
    throw new UserError("No Docker engine answers: start it, or run npm run doctor to see the reason.");
  const found = await Promise.all(
    KINDS.map(async ({ kind, list }): Promise<Leak[]> => {
      const args = [kind, ...list, "--filter", `label=${STACK_TAG}=${stack}`];
      const { stdout } = await execa("docker", args, { cancelSignal: signal });
      const names = stdout.split("\n").filter((name) => name !== "");
      const force = kind === "network" ? "" : " --force";
      return names.map((id) => ({
        kind,
        id,
        detail: "",
        usdPerHour: null,
        remedy: `docker ${kind} rm${force} ${id}`,
      }));
    }),
  );
  return found.flat();
}
