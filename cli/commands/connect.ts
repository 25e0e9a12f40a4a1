/** `npm run connect -- -s <stack>`: makes the endpoint of a cluster reachable from this machine. */
import { parseArgs } from "node:util";
import { execa } from "execa";
import { UserError } from "../../config/errors.ts";
import { jsonAnswer } from "../../setup/answer.ts";
import { mustForward } from "../../setup/foreground.ts";
import { pulumiAnswer } from "../../setup/pulumi/engine.ts";
import type { Command } from "../command.ts";
import { sessionPrograms } from "../doctor/aws-tools.ts";
import { outputsOf } from "../live/cluster.ts";
import { connectionOf, deploymentSchema } from "../live/connection.ts";

export const command: Command = {
  summary: "makes a cluster's endpoint reachable from this machine",
  help: `
  npm run connect -- -s <stack>            opens the session and keeps it open until Ctrl-C
  npm run connect -- -s <stack> --print    prints the command alone

An endpoint on this machine or behind a public load balancer is reachable without it, and the command says so. For a
PrivateLink service it prints the command that the other account runs. A session needs the AWS CLI and its Session
Manager plugin.`,
  run: async (args, { signal }) => {
    const { stack, print } = parse(args);
    const outputs = await outputsOf(stack, signal);
    if (outputs === null) {
      throw new UserError(`Stack ${stack} is not up: npm run pulumi -- up -s ${stack} creates it.`);
    }
    const text = await pulumiAnswer(["stack", "export", "--stack", stack], signal);
    const state = jsonAnswer(text, deploymentSchema, "pulumi stack export");
    const connection = connectionOf(outputs, state);
    switch (connection.kind) {
      case "reachable":
        console.log(`${outputs.endpoint} is reachable as it is.`);
        return 0;
      case "elsewhere":
        console.log(
          `Run this in the other account after replacing the placeholders by its own network:\n\n${connection.command}`,
        );
        return 0;
      case "session":
        if (print) {
          console.log(connection.command);
          return 0;
        }
        return openSession(connection.command, outputs.endpoint, signal);
    }
  },
};

function parse(args: string[]): { stack: string; print: boolean } {
  try {
    const { values } = parseArgs({
      args,
      options: { stack: { type: "string", short: "s" }, print: { type: "boolean", default: false } },
    });
    if (!values.stack) throw new Error("--stack is missing");
    return { stack: values.stack, print: values.print };
  } catch (error) {
    throw new UserError(`${error instanceof Error ? error.message : error} (npm run connect -- --help)`);
  }
}

async function openSession(command: string, endpoint: string, signal: AbortSignal): Promise<number> {
  const missing = sessionPrograms().filter(({ remedy }) => remedy !== null);
  if (missing.length > 0) {
    throw new UserError(missing.map(({ name, found, remedy }) => `${name}: ${found}; ${remedy}`).join("\n"));
  }
  console.log(`${endpoint} answers while this session is open. Ctrl-C closes it.`);
  const session = execa(command, { shell: true, stdio: "inherit", reject: false });
  // On a terminal, Ctrl-C reaches the session by itself.
  const pass = () => {
    if (mustForward(signal.reason)) session.kill("SIGINT");
  };
  signal.addEventListener("abort", pass, { once: true });
  const { exitCode } = await session;
  signal.removeEventListener("abort", pass);
  return exitCode ?? 1;
}
