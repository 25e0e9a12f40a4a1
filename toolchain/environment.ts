/**
 * The environment that every command runs in.
 *
 * Who is logged in to a Pulumi backend keeps everything of theirs: backend, PULUMI_HOME, passphrase. Who is not gets a
 * self-contained project: state in `.pulumi-state/`, its passphrase in `.toolchain/passphrase`, and PULUMI_HOME in
 * `.toolchain/pulumi-home`, because there the plugins that were built here can sit under the versions that npm asks for
 * (no warning per command, and no hand-made plugin in the cache that the user's other projects share).
 */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { type ProjectPaths, pathsOf } from "./paths.ts";

export type Variables = Record<string, string | undefined>;

/** What the decision depends on, read once from the machine. */
export interface BackendFacts {
  variables: Variables;
  /** Text of Pulumi's credentials file, null if there is none. */
  credentials: string | null;
}

/** Whose backend the commands talk to. */
export type BackendOwner = "project" | "user";

/** URL of the file backend inside the project. */
export const ownBackendUrl = (paths: ProjectPaths): string => `file://${paths.state}`;

/** Decides whether the user has a backend of their own. */
export function backendOwner(facts: BackendFacts, paths: ProjectPaths): BackendOwner {
  const { PULUMI_BACKEND_URL: url, PULUMI_ACCESS_TOKEN: token } = facts.variables;
  // Our own URL is there when a shell has sourced .toolchain/env.sh.
  if (url) return url === ownBackendUrl(paths) ? "project" : "user";
  if (token) return "user";
  if (facts.credentials === null) return "project";
  try {
    const current: unknown = (JSON.parse(facts.credentials) as { current?: unknown }).current;
    return typeof current === "string" && current !== "" ? "user" : "project";
  } catch {
    return "project"; // Pulumi itself takes a broken file for "not logged in"
  }
}

/** Reads the facts: Pulumi looks for its credentials under PULUMI_CREDENTIALS_PATH, PULUMI_HOME or `~/.pulumi`. */
export function readBackendFacts(variables: Variables): BackendFacts {
  const folder = variables["PULUMI_CREDENTIALS_PATH"] ?? variables["PULUMI_HOME"] ?? join(homedir(), ".pulumi");
  const file = join(folder, "credentials.json");
  return { variables, credentials: existsSync(file) ? readFileSync(file, "utf8") : null };
}

/** The variables that toolchain/ adds to what the user's shell has. */
export function addedVariables(facts: BackendFacts, paths: ProjectPaths): Record<string, string> {
  const { variables } = facts;
  const own = backendOwner(facts, paths) === "project";
  const home = own ? (variables["PULUMI_HOME"] ?? paths.pulumiHome) : undefined;
  const mine = [join(paths.root, "node_modules", ".bin"), paths.bin];
  const theirs = (variables["PATH"] ?? "").split(delimiter).filter((entry) => entry !== "" && !mine.includes(entry));
  const added: Record<string, string> = {
    // The engine takes plugins built here from PATH where its cache is the user's own.
    PATH: [...mine, ...theirs, ...(home === paths.pulumiHome ? [] : [paths.plugins])].join(delimiter),
    PULUMI_SKIP_UPDATE_CHECK: variables["PULUMI_SKIP_UPDATE_CHECK"] ?? "1",
    NODE_COMPILE_CACHE: variables["NODE_COMPILE_CACHE"] ?? join(paths.toolchain, "compile-cache"),
  };
  if (home === undefined) return added;
  added["PULUMI_BACKEND_URL"] = ownBackendUrl(paths);
  added["PULUMI_HOME"] = home;
  // The salt of the state's key is kept in the state: see salt.ts.
  added["PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER"] = "true";
  if (variables["PULUMI_CONFIG_PASSPHRASE"] === undefined) {
    added["PULUMI_CONFIG_PASSPHRASE_FILE"] = variables["PULUMI_CONFIG_PASSPHRASE_FILE"] ?? paths.passphraseFile;
  }
  return added;
}

/** The whole environment for a child process. */
export function commandEnvironment(root: string, variables: Variables = process.env): Record<string, string> {
  const all: Variables = { ...variables, ...addedVariables(readBackendFacts(variables), pathsOf(root)) };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Text of `.toolchain/env.sh`, for people who type `pulumi` themselves: `. .toolchain/env.sh`. */
export function shellFile(added: Record<string, string>, paths: ProjectPaths): string {
  const quote = (value: string) => `'${value.replaceAll("'", `'\\''`)}'`;
  const front = [join(paths.root, "node_modules", ".bin"), paths.bin].map(quote).join(":");
  const lines = Object.entries(added)
    .filter(([name]) => name !== "PATH")
    .map(([name, value]) => `export ${name}=${quote(value)}`);
  return [
    "# Made by toolchain/; read it with:  . .toolchain/env.sh",
    `export PATH=${front}:"$PATH"`,
    ...lines,
    "",
  ].join("\n");
}
