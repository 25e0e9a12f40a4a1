/** Steps for the project's own files: passphrase, state, shell file. */
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { paths } from "../paths.ts";
import { addedVariables, backendOwner, heldBackLogin, readBackendFacts, shellFile } from "../pulumi/environment.ts";
import type { Step } from "../runner.ts";
import { writeAtomically } from "../stamps.ts";

const own = () => backendOwner(readBackendFacts(process.env), paths) === "project";
const shell = () => shellFile(addedVariables(readBackendFacts(process.env), paths), paths);
const shellPath = join(paths.toolchain, "env.sh");

function hasState(): boolean {
  const folder = join(paths.state, ".pulumi", "stacks");
  return existsSync(folder) && readdirSync(folder, { recursive: true }).some((name) => String(name).endsWith(".json"));
}

/** Whether the user set a passphrase; main.ts has already set the variable for our own file. */
function usersPassphrase(): boolean {
  const { PULUMI_CONFIG_PASSPHRASE: phrase, PULUMI_CONFIG_PASSPHRASE_FILE: file } = process.env;
  return phrase !== undefined || (file !== undefined && file !== paths.passphraseFile);
}

/** State and passphrase inside the project, if the user has no Pulumi backend. */
export const stateStep: Step = {
  name: "state",
  why: "Pulumi's records of your clusters",
  lane: "fetch",
  have: async () => {
    if (!own()) return "in your own Pulumi backend";
    if (!existsSync(paths.state)) return null;
    if (usersPassphrase()) return "in .pulumi-state, with your own passphrase";
    if (!existsSync(paths.passphraseFile)) return null;
    // Check the mode too: others must not be able to read the passphrase.
    if ((statSync(paths.passphraseFile).mode & 0o077) !== 0) return null;
    return heldBackLogin(readBackendFacts(process.env), paths) ?? "in .pulumi-state";
  },
  get: {
    how: "creating .pulumi-state and a passphrase",
    typical: "at once",
    blocked: async () =>
      hasState() && !existsSync(paths.passphraseFile) && !usersPassphrase()
        ? "the state in .pulumi-state was encrypted with the passphrase in .toolchain/passphrase, which is missing. Put that file back; " +
          "or remove the cluster's containers, networks and volumes by hand (docker ps -a --filter label=llama-rpc-cluster/stack) and delete .pulumi-state"
        : null,
    run: async () => {
      await mkdir(paths.state, { recursive: true, mode: 0o700 });
      if (existsSync(paths.passphraseFile)) await chmod(paths.passphraseFile, 0o600);
      else if (!usersPassphrase())
        await writeAtomically(paths.passphraseFile, randomBytes(32).toString("base64url"), 0o600);
    },
  },
};

/** A file for users who type `pulumi` by hand. */
export const shellStep: Step = {
  name: "shell file",
  why: "for `pulumi` typed by hand",
  lane: "fetch",
  have: async () =>
    existsSync(shellPath) && readFileSync(shellPath, "utf8") === shell() ? ". .toolchain/env.sh" : null,
  get: {
    how: "writing .toolchain/env.sh",
    typical: "at once",
    blocked: async () => null,
    run: async () => {
      await mkdir(paths.toolchain, { recursive: true });
      await writeAtomically(shellPath, shell());
    },
  },
};
