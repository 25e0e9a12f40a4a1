/**
 * The environment of every command.
 *
 * A user who is logged in to a Pulumi backend keeps their own backend, PULUMI_HOME and passphrase. For any other user the
 * project is self-contained: state in `.pulumi-state/`, its passphrase in `.toolchain/passphrase`, and PULUMI_HOME in
 * `.toolchain/pulumi-home`. There, plugins that were built here can have the versions that npm needs, so that commands print
 * no warning and the cache of the user's other projects gets no self-built plugin.
 *
 * If a user logs in while the project's own state holds a cluster, the project's own state is used until that cluster is
 * destroyed, because no command could find the cluster otherwise.
 */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import * as z from "zod";
import { paths as ownPaths, type ProjectPaths, pathsOf } from "../paths.ts";
import { ownStateHoldsResources } from "./own-state.ts";

export type Variables = Record<string, string | undefined>;

/** The facts that decide the backend, read once from the machine. */
export interface BackendFacts {
  variables: Variables;
  /** Text of Pulumi's credentials file, null if there is none. */
  credentials: string | null;
  /** Whether the state inside the project holds a cluster. */
  ownClusterIsUp: boolean;
}

/** The owner of the backend that commands use. */
export type BackendOwner = "project" | "user";

/** URL of the file backend inside the project; its path is escaped because Pulumi unescapes it. */
export const ownBackendUrl = (paths: ProjectPaths): string =>
  `file://${paths.state.replace(/[%?#]/g, (character) => encodeURIComponent(character))}`;

/** Whether the user is logged in to a backend that is not the project's own. */
function isLoggedIn({ variables, credentials }: Omit<BackendFacts, "ownClusterIsUp">, paths: ProjectPaths): boolean {
  if (variables["PULUMI_ACCESS_TOKEN"]) return true;
  if (credentials === null) return false;
  // Pulumi itself treats a broken file as "not logged in".
  const current = currentLogin(credentials);
  return current !== "" && current !== ownBackendUrl(paths);
}

const credentialsSchema = z.object({ current: z.string() }).catch({ current: "" });

/** Backend that Pulumi's credentials file names; empty if it names none. */
function currentLogin(credentials: string): string {
  try {
    return credentialsSchema.parse(JSON.parse(credentials)).current;
  } catch {
    return "";
  }
}

/** Decides whether commands use the user's backend or the project's. */
export function backendOwner(facts: BackendFacts, paths: ProjectPaths): BackendOwner {
  const url = facts.variables["PULUMI_BACKEND_URL"];
  // The variable holds our own URL if the shell has sourced .toolchain/env.sh.
  if (url) return url === ownBackendUrl(paths) ? "project" : "user";
  return isLoggedIn(facts, paths) && !facts.ownClusterIsUp ? "user" : "project";
}

/** A note for a user who is logged in while the project's own state is used; null if none is needed. */
export function heldBackLogin(facts: BackendFacts, paths: ProjectPaths): string | null {
  if (backendOwner(facts, paths) === "user" || !isLoggedIn(facts, paths) || !facts.ownClusterIsUp) return null;
  return "the state stays in .pulumi-state, because it holds a cluster of this project; your own Pulumi login is used after that cluster is destroyed";
}

/** Reads the facts: Pulumi looks for its credentials under PULUMI_CREDENTIALS_PATH, PULUMI_HOME or `~/.pulumi`. */
export function readBackendFacts(variables: Variables, paths: ProjectPaths = ownPaths): BackendFacts {
  // The commands' environment has the project's own PULUMI_HOME, which does not hold the user's login.
  const home = variables["PULUMI_HOME"] === paths.pulumiHome ? undefined : variables["PULUMI_HOME"];
  const folder = variables["PULUMI_CREDENTIALS_PATH"] ?? home ?? join(homedir(), ".pulumi");
  const file = join(folder, "credentials.json");
  const login = { variables, credentials: existsSync(file) ? readFileSync(file, "utf8") : null };
  // Read the state only if it matters.
  return { ...login, ownClusterIsUp: isLoggedIn(login, paths) && ownStateHoldsResources(paths) };
}

/** The variables that the project adds to the user's shell. */
export function addedVariables(facts: BackendFacts, paths: ProjectPaths): Record<string, string> {
  const { variables } = facts;
  const own = backendOwner(facts, paths) === "project";
  const home = own ? (variables["PULUMI_HOME"] ?? paths.pulumiHome) : undefined;
  const mine = [join(paths.root, "node_modules", ".bin"), paths.bin];
  const theirs = (variables["PATH"] ?? "")
    .split(delimiter)
    .filter((entry) => entry !== "" && ![...mine, paths.plugins].includes(entry));
  const added: Record<string, string> = {
    // If the cache is the user's own, the engine finds plugins that were built here on PATH.
    PATH: [...mine, ...theirs, ...(home === paths.pulumiHome ? [] : [paths.plugins])].join(delimiter),
    PULUMI_SKIP_UPDATE_CHECK: variables["PULUMI_SKIP_UPDATE_CHECK"] ?? "1",
    // Engine and plugins live for seconds, and garbage collection would take a fifth of a preview's time.
    GOGC: variables["GOGC"] ?? "400",
    NODE_COMPILE_CACHE: variables["NODE_COMPILE_CACHE"] ?? join(paths.toolchain, "compile-cache"),
  };
  if (home === undefined) return added;
  added["PULUMI_BACKEND_URL"] = ownBackendUrl(paths);
  added["PULUMI_HOME"] = home;
  // The state holds the salt of its key: see salt.ts.
  added["PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER"] = "true";
  if (variables["PULUMI_CONFIG_PASSPHRASE"] === undefined) {
    added["PULUMI_CONFIG_PASSPHRASE_FILE"] = variables["PULUMI_CONFIG_PASSPHRASE_FILE"] ?? paths.passphraseFile;
  }
  return added;
}

/** The whole environment for a child process. */
export function commandEnvironment(root: string, variables: Variables = process.env): Record<string, string> {
  const paths = pathsOf(root);
  const all: Variables = { ...variables, ...addedVariables(readBackendFacts(variables, paths), paths) };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Text of `.toolchain/env.sh`, for users who type `pulumi` themselves: `. .toolchain/env.sh`. */
export function shellFile(added: Record<string, string>, paths: ProjectPaths): string {
  const quote = (value: string) => `'${value.replaceAll("'", `'\\''`)}'`;
  const front = [join(paths.root, "node_modules", ".bin"), paths.bin].map(quote).join(":");
  const back = (added["PATH"] ?? "").split(delimiter).includes(paths.plugins) ? `:${quote(paths.plugins)}` : "";
  const lines = Object.entries(added)
    .filter(([name]) => name !== "PATH")
    .map(([name, value]) => `export ${name}=${quote(value)}`);
  return [
    "# Written by npm start; read it with:  . .toolchain/env.sh",
    `export PATH=${front}:"$PATH"${back}`,
    ...lines,
    "",
  ].join("\n");
}
