/** `npm run pulumi -- …`: the Pulumi CLI in the project's environment. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../config/errors.ts";
import { readStackFile, stackFilePath } from "../../config/stack.ts";
import { knownMachine } from "../../setup/machine-file.ts";
import { paths } from "../../setup/paths.ts";
import { ensureStack, pulumiOnTerminal, stackIn, stackIsThere } from "../../setup/pulumi/engine.ts";
import { heldBackLogin, readBackendFacts } from "../../setup/pulumi/environment.ts";
import { recover } from "../../setup/pulumi/recovery.ts";
import type { Command } from "../command.ts";
import { awsRefusal, engineSteps, setUp, upgradeSteps } from "../steps.ts";

/** Commands that work on a stack's resources and so may find it not made yet. */
const STACK_COMMANDS = new Set(["up", "update", "preview", "refresh", "config"]);

/** Commands that a half-made resource of a killed run would trip up. */
const MENDING_COMMANDS = new Set(["up", "update", "destroy"]);

/** Commands that create resources, and so run resource hooks. */
const CREATING_COMMANDS = new Set(["up", "update"]);

/** @throws {UserError} if this machine's tool chain can't create a cluster on EC2 */
function refuseAws(stack: string): void {
  const refusal = awsRefusal();
  if (refusal !== null) {
    throw new UserError(`Stack ${stack} can't be created from this machine: ${refusal.what}. ${refusal.remedy}`);
  }
}

/** Target that a stack's file names; undefined if it names none or there is no such file. */
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

Who is not logged in to a Pulumi backend gets one inside the project: state in .pulumi-state/, its passphrase in
.toolchain/passphrase. To type \`pulumi\` by hand in the same environment:  . .toolchain/env.sh`,
  passesArguments: true,
  run: async (args, { signal }) => {
    const hasOldMachineFile = existsSync(paths.machineFile) && knownMachine() === null;
    await setUp(hasOldMachineFile ? upgradeSteps : engineSteps, signal, true);
    const held = heldBackLogin(readBackendFacts(process.env), paths);
    if (held !== null) console.error(`Note: ${held}.`);
    const stack = stackIn(args);
    if (stack !== null && CREATING_COMMANDS.has(args[0] ?? "") && targetOf(stack) === "aws") refuseAws(stack);
    if (stack !== null && STACK_COMMANDS.has(args[0] ?? "")) await ensureStack(stack, signal);
    if (stack !== null && MENDING_COMMANDS.has(args[0] ?? "") && (await stackIsThere(stack, signal))) {
      await recover(stack, signal);
    }
    return pulumiOnTerminal(args, signal);
  },
};
