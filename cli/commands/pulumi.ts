/** `npm run pulumi -- …`: the Pulumi CLI in the project's environment. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../config/errors.ts";
import { readStackFile, stackFilePath } from "../../config/stack.ts";
import { knownMachine } from "../../setup/machine-file.ts";
import { paths } from "../../setup/paths.ts";
import { ensureStack, pulumiOnTerminal, selectedStack, stackIn, stackIsThere } from "../../setup/pulumi/engine.ts";
import { heldBackLogin, readBackendFacts } from "../../setup/pulumi/environment.ts";
import { recover } from "../../setup/pulumi/recovery.ts";
import type { Command } from "../command.ts";
import { awsRefusal, engineSteps, setUp, upgradeSteps } from "../steps.ts";

/** Commands that need the stack, which may not exist yet. */
const STACK_COMMANDS = new Set(["up", "update", "preview", "refresh", "config"]);

/** Commands that fail on a half-created resource of a killed run. */
const RECOVERING_COMMANDS = new Set(["up", "update", "destroy"]);

/** Commands that create resources and so run resource hooks. */
const CREATING_COMMANDS = new Set(["up", "update"]);

/**
 * @param named the stack of the command line; null for the selected stack
 * @throws {UserError} if it is a cluster on EC2 that this machine's tool chain can't create
 */
async function refuseAws(named: string | null, signal: AbortSignal): Promise<void> {
  const refusal = awsRefusal();
  if (refusal === null) return;
  const stack = named ?? (await selectedStack(signal));
  if (stack !== null && targetOf(stack) === "aws") {
    throw new UserError(`Stack ${stack} can't be created from this machine: ${refusal.what}. ${refusal.remedy}`);
  }
}

/** Target in a stack's file; undefined if the file or the setting does not exist. */
const targetOf = (stack: string): unknown =>
  existsSync(join(paths.root, stackFilePath(stack))) ? readStackFile(stack, paths.root)["target"] : undefined;

export const command: Command = {
  summary: "the Pulumi CLI in the project's environment",
  help: `
  npm run pulumi -- up -s local
  npm run pulumi -- stack output -s local
  npm run pulumi -- destroy -s local
  npm run pulumi -- --help           this text
  npm run pulumi -- help             Pulumi's own help

Without a login to a Pulumi backend, the state is inside the project: in .pulumi-state/, with its passphrase in
.toolchain/passphrase. To type \`pulumi\` by hand in the same environment:  . .toolchain/env.sh`,
  passesArguments: true,
  run: async (args, { signal }) => {
    const hasOldMachineFile = existsSync(paths.machineFile) && knownMachine() === null;
    await setUp(hasOldMachineFile ? upgradeSteps : engineSteps, signal, true);
    const held = heldBackLogin(readBackendFacts(process.env), paths);
    if (held !== null) console.error(`Note: ${held}.`);
    const stack = stackIn(args);
    if (CREATING_COMMANDS.has(args[0] ?? "")) await refuseAws(stack, signal);
    if (stack !== null && STACK_COMMANDS.has(args[0] ?? "")) await ensureStack(stack, signal);
    if (stack !== null && RECOVERING_COMMANDS.has(args[0] ?? "") && (await stackIsThere(stack, signal))) {
      await recover(stack, signal);
    }
    return pulumiOnTerminal(args, signal);
  },
};
