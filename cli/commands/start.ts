/** `npm start`: from a fresh machine to a running cluster and one streamed answer. */
import { parseArgs } from "node:util";
import { containerArchitecture } from "../../config/architecture.ts";
import { UserError } from "../../config/errors.ts";
import { parseCluster } from "../../config/parse.ts";
import type { ClusterConfig } from "../../config/schema/index.ts";
import { readStackFile } from "../../config/stack.ts";
import { assertRunnable, type ClusterPlan, planCluster, readModelFacts } from "../../plan/index.ts";
import { formatPlan } from "../../report/text.ts";
import { paths, projectRoot } from "../../setup/paths.ts";
import { ensureStack, pulumiOnTerminal } from "../../setup/pulumi/engine.ts";
import { backendOwner, readBackendFacts } from "../../setup/pulumi/environment.ts";
import { recover } from "../../setup/pulumi/recovery.ts";
import { usersPulumi } from "../../setup/steps/pulumi.ts";
import { duration } from "../../setup/terminal.ts";
import type { Command } from "../command.ts";
import { reportActivity } from "../live/activity.ts";
import { ask } from "../live/chat.ts";
import { containersOf, logOf, type Outputs, outputsOf } from "../live/cluster.ts";
import { loadEvidence, START_IS_NOT_IN_LOG, unusedBackends } from "../live/evidence.ts";
import { waitUntilReady } from "../live/readiness.ts";
import { allSteps, setUp } from "../steps.ts";

const QUESTION = "Why do llamas live in the mountains? Answer in two sentences.";
const ANSWER_TOKENS = 96;

export const command: Command = {
  summary: "make this machine ready, bring a cluster up and ask it one question",
  help: `
  npm start                     stack local: two CPU backends and a front in Docker on this machine
  npm start -- -s <stack>       another stack of stacks/ whose target is docker

Gets what is missing (it names what it installs outside this folder first), shows the plan, runs pulumi up, streams one
answer. Run again it changes nothing. Safe to interrupt at any point.`,
  run: async (args, { signal }) => {
    const { values } = parse(args);
    const started = Date.now();
    const config = configOf(values.stack);
    await setUp(allSteps, signal);
    const plan = await planOf(values.stack, config);
    heading(`Plan of stack ${values.stack}`);
    console.log(formatPlan(plan, { width: Math.min(process.stdout.columns ?? 100, 120) }));
    assertRunnable(plan);
    heading(`pulumi up -s ${values.stack}`);
    await ensureStack(values.stack, signal);
    await recover(values.stack, signal);
    const code = await bringUp(values.stack, signal);
    signal.throwIfAborted();
    if (code !== 0) {
      throw new UserError(
        `pulumi up ended with code ${code}; the reason is above. What exists already is kept: run this again to continue, or npm run doctor.`,
      );
    }
    const outputs = await outputsOf(values.stack, signal);
    if (outputs === null) throw new UserError(`Stack ${values.stack} is up, but has no outputs: look at index.ts.`);
    await converse(outputs, signal);
    await prove(values.stack, outputs);
    await goOn(values.stack, outputs, Date.now() - started);
    return 0;
  },
};

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: { stack: { type: "string", short: "s", default: "local" } } });
  } catch (error) {
    throw new UserError(`${error instanceof Error ? error.message : error} (npm start -- --help)`);
  }
}

/** On a terminal Pulumi shows a live tree; a log gets a line now and then instead of dots. */
async function bringUp(stack: string, signal: AbortSignal): Promise<number> {
  const args = ["up", "--yes", "--skip-preview", "--suppress-outputs", "--stack", stack];
  if (process.stdout.isTTY) return pulumiOnTerminal(args, signal);
  const stop = reportActivity(console.log);
  try {
    return await pulumiOnTerminal([...args, "--suppress-progress"], signal);
  } finally {
    stop();
  }
}

/** Refuses a stack on EC2, because `npm start` must not create anything that costs money. */
function configOf(stack: string): ClusterConfig {
  const config = parseCluster(readStackFile(stack, projectRoot));
  if (config.target === "docker") return config;
  throw new UserError(
    `Stack ${stack} is a cluster on ${config.target}, but npm start creates clusters on this machine only: npm run plan -- -s ${stack} shows its cost, npm run pulumi -- up -s ${stack} creates it.`,
  );
}

async function planOf(stack: string, config: ClusterConfig): Promise<ClusterPlan> {
  const facts = await readModelFacts(config.model.source, projectRoot);
  return planCluster(config, facts, { stack, architecture: containerArchitecture(process.arch) });
}

const heading = (text: string) => console.log(`\n── ${text} ${"─".repeat(Math.max(0, 76 - text.length))}`);

async function converse(outputs: Outputs, signal: AbortSignal): Promise<void> {
  heading("One answer, streamed");
  // A cluster that pulumi up did not change may still be starting: after a reboot, an engine start or a failure.
  const waiting = { endpoint: outputs.endpoint, seconds: outputs.plan.front.startupSeconds, say: console.log };
  const late = await waitUntilReady(waiting, signal);
  if (late !== null) {
    throw new UserError(
      `The cluster's front was not ready within ${waiting.seconds} s: ${late}. npm run doctor shows the reason.`,
    );
  }
  console.log(`> ${QUESTION}`);
  const asked = Date.now();
  let pieces = 0;
  try {
    const question = { endpoint: outputs.endpoint, apiKey: outputs.apiKey, text: QUESTION, maxTokens: ANSWER_TOKENS };
    for await (const piece of ask(question, signal)) {
      pieces += 1;
      process.stdout.write(piece);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw new UserError(
      `The cluster is up, but did not answer: ${error instanceof Error ? error.message : error}. npm run doctor shows the reason.`,
    );
  }
  process.stdout.write("\n");
  if (pieces === 0) throw new UserError("The cluster answered with nothing: npm run doctor shows the reason.");
  console.log(`(${pieces} pieces in ${duration(Date.now() - asked)})`);
}

async function prove(stack: string, { plan }: Outputs): Promise<void> {
  const front = (await containersOf(stack)).find(({ role }) => role === "front");
  if (!front) throw new UserError(`No container of stack ${stack} has the role front: npm run doctor.`);
  const evidence = loadEvidence(await logOf(front.name));
  if (evidence.offloaded === null) {
    console.log(`(Where the layers are: ${START_IS_NOT_IN_LOG}.)`);
    return;
  }
  const unused = unusedBackends(
    evidence,
    plan.backends.map(({ address, port }) => `${address}:${port}`),
  );
  if (unused !== null)
    throw new UserError(`The cluster answers, but not with every backend: ${unused} (npm run doctor).`);
  heading("Where the layers are, as the front's log says");
  console.log(
    `${evidence.offloaded?.layers} of ${evidence.offloaded?.of} layers on RPC backends, the output layer counted`,
  );
  for (const backend of plan.backends) {
    const buffer = evidence.buffers.find(({ address }) => address === `${backend.address}:${backend.port}`);
    console.log(`  ${backend.device}  ${backend.name}  ${buffer?.address}  ${buffer?.mebibytes} MiB of weights`);
  }
  const own = evidence.frontHoldsLayers ? "holds repeating layers too" : "holds none of the repeating layers";
  console.log(`  the front's own CPU ${own}`);
}

async function goOn(stack: string, { endpoint, plan }: Outputs, milliseconds: number): Promise<void> {
  const byHand = (await usersPulumi()) !== null && backendOwner(readBackendFacts(process.env), paths) === "user";
  const pulumi = byHand ? "pulumi" : "npm run pulumi --";
  const secret = byHand ? "pulumi" : "npm run -s pulumi --";
  const model = plan.front.environment["LLAMA_ARG_ALIAS"] ?? plan.model.name;
  const body = JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] });
  heading(`Ready in ${duration(milliseconds)}`);
  console.log(`Endpoint: ${endpoint}/v1 (OpenAI's API; the key is the stack's output apiKey)

  curl ${endpoint}/v1/chat/completions -H 'Content-Type: application/json' \\
    -H "Authorization: Bearer $(${secret} stack output apiKey --show-secrets -s ${stack})" \\
    -d '${body}'
  ${pulumi} destroy -s ${stack}
  npm run doctor${stack === "local" ? "" : ` -- -s ${stack}`}`);
}
