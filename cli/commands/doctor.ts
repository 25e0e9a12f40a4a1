/** `npm run doctor`: what this machine lacks, and whether the cluster is healthy. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { UserError } from "../../config/errors.ts";
import { parseCluster } from "../../config/parse.ts";
import type { ClusterConfig } from "../../config/schema/index.ts";
import { readStackFile, stackFilePath } from "../../config/stack.ts";
import { followDockerContext } from "../../setup/docker-context.ts";
import { paths } from "../../setup/paths.ts";
import { stackIsThere } from "../../setup/pulumi/engine.ts";
import { choose, missingOf, type Step } from "../../setup/runner.ts";
import type { Command } from "../command.ts";
import { awsClusterChecks } from "../doctor/aws-cluster.ts";
import { awsToolChecks } from "../doctor/aws-tools.ts";
import { type Check, judge } from "../doctor/health.ts";
import { apiStatuses, containersOf, logOf, type Outputs, outputsOf, withBuildInfo } from "../live/cluster.ts";
import { loadEvidence } from "../live/evidence.ts";
import { allSteps, awsRefusal, awsSteps } from "../steps.ts";

export const command: Command = {
  summary: "what this machine lacks, and whether the cluster is healthy",
  help: `
  npm run doctor                    stack local
  npm run doctor -- -s <stack>      another stack; of one on EC2, AWS is asked

Changes nothing. Exit code 1 if something is wrong; each such line ends with what to do.`,
  run: async (args, { signal }) => {
    let stack: string;
    try {
      stack = parseArgs({ args, options: { stack: { type: "string", short: "s", default: "local" } } }).values.stack;
    } catch (error) {
      throw new UserError(`${error instanceof Error ? error.message : error} (npm run doctor -- --help)`);
    }
    const config = awsConfigOf(stack);
    await followDockerContext();
    console.log("This machine");
    const setup = config === null ? "npm start" : "node cli/bootstrap.mjs setup";
    const machine = [
      ...(await machineChecks(config === null ? allSteps : awsSteps, setup)),
      ...(config === null ? [] : [...awsRefusalCheck(), ...(await awsToolChecks(stack, config, signal))]),
    ];
    machine.forEach(print);
    console.log(`\nCluster of stack ${stack}`);
    const needed = config === null ? ["pulumi", "docker engine"] : ["pulumi"];
    const lacking = machine.some(({ name, remedy }) => remedy !== null && needed.includes(name));
    const cluster = lacking
      ? [{ name: "cluster", found: "can't be checked yet: fix the lines above first", remedy: setup }]
      : await clusterChecks(stack, config === null ? `npm start${ofStack(stack)}` : upOf(stack), signal);
    cluster.forEach(print);
    const checks = [...machine, ...cluster];
    const wrong = checks.filter((check) => isWrong(check)).length;
    const unknown = checks.filter(({ isUnknown }) => isUnknown).length;
    console.log(`\n${conclusion(wrong, unknown)}`);
    return wrong === 0 ? 0 : 1;
  },
};

const ofStack = (stack: string) => (stack === "local" ? "" : ` -- -s ${stack}`);
const upOf = (stack: string) => `npm run pulumi -- up -s ${stack}`;
const isWrong = ({ remedy, isUnknown }: Check) => remedy !== null && !isUnknown;

function conclusion(wrong: number, unknown: number): string {
  const unseen = unknown === 0 ? "" : ` ${unknown === 1 ? "One thing" : `${unknown} things`} could not be checked.`;
  if (wrong > 0) return `${wrong} ${wrong === 1 ? "thing is" : "things are"} wrong.${unseen}`;
  return unknown === 0 ? "Everything is fine." : `Nothing is wrong.${unseen}`;
}

/**
 * The configuration of a stack on EC2; null for a stack on this machine or without a file.
 * @throws {ConfigError} if the file is invalid
 */
function awsConfigOf(stack: string): ClusterConfig | null {
  if (!existsSync(join(paths.root, stackFilePath(stack)))) return null;
  const raw = readStackFile(stack, paths.root);
  return raw["target"] === "aws" ? parseCluster(raw, "plan") : null;
}

function print({ name, found, remedy, isUnknown }: Check): void {
  const verdict = remedy === null ? "ok   " : isUnknown ? "?    " : "WRONG";
  console.log(`  ${verdict} ${name}: ${found}`);
  if (remedy !== null) console.log(`        -> ${remedy}`);
}

/** Reports why this machine's tool chain can't create a cluster on EC2. */
function awsRefusalCheck(): Check[] {
  const refusal = awsRefusal();
  return refusal === null ? [] : [{ name: "target aws", found: refusal.what, remedy: refusal.remedy }];
}

/** @param setup the command that installs what is missing */
async function machineChecks(steps: readonly Step[], setup: string): Promise<Check[]> {
  const { present, missing } = await missingOf(steps);
  const lacking = await Promise.all(
    missing.map(async (step): Promise<Check> => {
      const { ways, blocked } = await choose(step);
      const remedy = ways[0] ? `${setup} gets it by ${ways[0].how}` : blocked.join("; ");
      return { name: step.name, found: `missing (${step.why})`, remedy };
    }),
  );
  const found = [...present].map(([name, what]): Check => ({ name, found: what, remedy: null }));
  const own: Check = {
    name: "node",
    found: `${process.versions.node} (${process.execPath.replace(`${paths.root}/`, "")})`,
    remedy: null,
  };
  return [own, ...found, ...lacking];
}

/** @param up the command that creates the cluster */
async function clusterChecks(stack: string, up: string, signal: AbortSignal): Promise<Check[]> {
  const nothing: Check = { name: "cluster", found: "nothing is up", remedy: up };
  if (!existsSync(join(paths.root, stackFilePath(stack)))) {
    return [{ ...nothing, found: `there is no ${stackFilePath(stack)}`, remedy: "name another stack with -s" }];
  }
  if (!(await stackIsThere(stack, signal))) return [nothing];
  const outputs = await outputsOf(stack, signal);
  if (outputs === null) return [nothing];
  // The plan of the running cluster, which may differ from the stack file.
  const aws = outputs.plan.aws ?? null;
  return aws === null ? dockerChecks(stack, outputs) : awsClusterChecks(stack, outputs, aws, signal);
}

async function dockerChecks(stack: string, outputs: Outputs): Promise<Check[]> {
  const containers = await Promise.all((await containersOf(stack)).map(withBuildInfo));
  const front = containers.find(({ role }) => role === "front");
  return judge({
    stack,
    containers,
    backendAddresses: outputs.plan.backends.map(({ address, port }) => `${address}:${port}`),
    evidence: loadEvidence(front ? await logOf(front.name) : ""),
    statuses: await apiStatuses(outputs),
  });
}
