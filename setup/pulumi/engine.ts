/** Runs the Pulumi CLI in the commands' environment. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { execa, type Options } from "execa";
import * as z from "zod";
import { UserError } from "../../config/errors.ts";
import { jsonAnswer } from "../answer.ts";
import { mustForward } from "../foreground.ts";
import { paths } from "../paths.ts";
import { tail } from "../programs.ts";
import { backendOwner, commandEnvironment, readBackendFacts } from "./environment.ts";
import { guardStackFiles } from "./salt.ts";
import { releaseAbandonedLocks } from "./state-locks.ts";

/** Project name in Pulumi.yaml. */
export const PROJECT = "llama-rpc-cluster";

/** Commands that concern the user's own login, never the project's backend. */
const LOGIN_COMMANDS = new Set(["login", "logout"]);

function environmentFor(args: readonly string[]): Record<string, string> {
  const environment = commandEnvironment(paths.root);
  if (LOGIN_COMMANDS.has(args[0] ?? "") && backendOwner(readBackendFacts(process.env), paths) === "project") {
    delete environment["PULUMI_BACKEND_URL"];
    if (environment["PULUMI_HOME"] === paths.pulumiHome) delete environment["PULUMI_HOME"];
  }
  return environment;
}

/** Whether the state is in the project. */
export const ownBackend = () => backendOwner(readBackendFacts(process.env), paths) === "project";

async function run(args: readonly string[], options: Options, signal?: AbortSignal) {
  if (ownBackend() && releaseAbandonedLocks(paths.state) > 0) {
    console.error("An earlier run of Pulumi was killed; its lock on the state was removed.");
  }
  const restore = ownBackend() ? guardStackFiles(paths.root) : () => {};
  const child = execa("pulumi", [...args], {
    cwd: paths.root,
    env: environmentFor(args),
    extendEnv: false,
    reject: false,
    ...options,
  });
  // Pulumi cleans up after an interruption, so it gets the signal and enough time instead of being killed.
  const pass = () => {
    if (mustForward(signal?.reason)) child.kill("SIGINT");
  };
  signal?.addEventListener("abort", pass, { once: true });
  try {
    return await child;
  } finally {
    signal?.removeEventListener("abort", pass);
    restore();
  }
}

/** Runs a command on this terminal and returns its exit code. */
export async function pulumiOnTerminal(args: readonly string[], signal?: AbortSignal): Promise<number> {
  const result = await run(args, { stdio: "inherit" }, signal);
  return result.exitCode ?? 1;
}

/** Runs a command and returns its output. @throws {UserError} with the end of its output if it fails */
export async function pulumiAnswer(args: readonly string[], signal?: AbortSignal): Promise<string> {
  const result = await run(args, { stdin: "ignore", all: true }, signal);
  if (result.failed) throw new UserError(`pulumi ${args.join(" ")} failed:\n    ${tail(String(result.all ?? ""), 20)}`);
  return String(result.stdout ?? "");
}

/** The stack that commands use if their command line names none; null if none is selected. */
export async function selectedStack(signal?: AbortSignal): Promise<string | null> {
  const result = await run(["stack", "--show-name", "--non-interactive"], { stdin: "ignore", all: true }, signal);
  // A backend with organizations gives `<organization>/<stack>`.
  return result.failed ? null : (String(result.stdout).trim().split("/").at(-1) ?? null);
}

/** The stack that a command line names; null if it names none. */
export function stackIn(args: readonly string[]): string | null {
  for (const [index, argument] of args.entries()) {
    if (argument === "--") return null;
    if (argument === "-s" || argument === "--stack") return args[index + 1] ?? null;
    if (argument.startsWith("--stack=")) return argument.slice("--stack=".length);
    if (/^-s=?[^-=]/.test(argument)) return argument.replace(/^-s=?/, "");
  }
  return null;
}

/** Whether the backend has the stack. */
export async function stackIsThere(stack: string, signal?: AbortSignal): Promise<boolean> {
  if (ownBackend()) {
    // Our own backend is a folder: reading it is faster than asking Pulumi.
    const file = join(paths.state, ".pulumi", "stacks", PROJECT, stack);
    return existsSync(`${file}.json`) || existsSync(`${file}.json.gz`);
  }
  const text = await pulumiAnswer(["stack", "ls", "--json"], signal);
  const list = jsonAnswer(text, z.array(z.object({ name: z.string() })), "pulumi stack ls");
  return list.some(({ name }) => name === stack || name.endsWith(`/${stack}`));
}

/** Creates a stack that has a file in `stacks/` but is not in the backend yet. */
export async function ensureStack(stack: string, signal?: AbortSignal): Promise<void> {
  if (!existsSync(join(paths.root, "stacks", `Pulumi.${stack}.yaml`)) || (await stackIsThere(stack, signal))) return;
  await pulumiAnswer(["stack", "select", "--create", "--stack", stack, "--non-interactive"], signal);
}
