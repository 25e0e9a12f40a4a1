/** Dispatcher of the npm scripts. bootstrap.mjs starts it with the project's own Node. */
import process from "node:process";
import { UserError } from "../config/errors.ts";
import { Interruption } from "../setup/foreground.ts";
import { projectRoot } from "../setup/paths.ts";
import { commandEnvironment } from "../setup/pulumi/environment.ts";
import type { Command } from "./command.ts";

/** Each is loaded on demand, so that `npm run plan` does not load what `npm start` needs. */
const commands: Record<string, () => Promise<{ command: Command }>> = {
  start: () => import("./commands/start.ts"),
  doctor: () => import("./commands/doctor.ts"),
  pulumi: () => import("./commands/pulumi.ts"),
  plan: () => import("./commands/plan.ts"),
  advise: () => import("./commands/advise.ts"),
  connect: () => import("./commands/connect.ts"),
  leaks: () => import("./commands/leaks.ts"),
  bench: () => import("./commands/bench.ts"),
  test: () => import("./commands/test.ts"),
  "test:quick": () => import("./commands/test-quick.ts"),
  "test:aws": () => import("./commands/test-aws.ts"),
  "test:images": () => import("./commands/test-images.ts"),
  "catalog:refresh": () => import("./commands/catalog-refresh.ts"),
  setup: () => import("./commands/setup.ts"),
};

/** The command as the user types it. */
function spelling(name: string): string {
  if (name === "setup") return "node cli/bootstrap.mjs setup";
  return name === "start" || name === "test" ? `npm ${name}` : `npm run ${name}`;
}

async function main(argv: string[]): Promise<number> {
  const [name = "--help", ...args] = argv;
  if (name === "--help" || name === "-h" || name === "help") {
    const lines = await Promise.all(
      Object.entries(commands).map(
        async ([key, load]) => `  ${spelling(key).padEnd(36)}${(await load()).command.summary}`,
      ),
    );
    console.log(`Commands (each has --help: npm run <command> -- --help):\n${lines.join("\n")}`);
    return 0;
  }
  const load = commands[name];
  if (!load) {
    console.error(`There is no command "${name}"; the commands are ${Object.keys(commands).join(", ")}.`);
    return 2;
  }
  const { command } = await load();
  const asked = command.passesArguments ? args.slice(0, 1) : args;
  if (asked.includes("--help") || asked.includes("-h")) {
    const help = typeof command.help === "string" ? command.help : command.help();
    console.log(`${spelling(name)}: ${command.summary}\n\n${help.replace(/^\n+|\s+$/g, "")}`);
    return 0;
  }
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      process.exitCode = signal === "SIGINT" ? 130 : 143;
      interruption.abort(new Interruption(signal));
    });
  }
  try {
    return await command.run(args, { signal: interruption.signal });
  } catch (error) {
    if (interruption.signal.aborted) {
      console.error("\nInterrupted. Completed work is kept; run the same command again to continue.");
      return Number(process.exitCode ?? 130);
    }
    if (!(error instanceof UserError)) throw error;
    console.error(`\n${error.message}`);
    return 1;
  }
}

Object.assign(process.env, commandEnvironment(projectRoot));
process.exit(await main(process.argv.slice(2)));
