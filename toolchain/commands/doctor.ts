/** `npm run doctor`: what this machine lacks, and whether the cluster is healthy and honest about itself. */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { containersOf, logOf, outputsOf, statusOf, withBuildInfo } from "../cluster.ts";
import { type Command, CommandError } from "../command.ts";
import { followDockerContext } from "../docker-context.ts";
import { stackIsThere } from "../engine.ts";
import { loadEvidence } from "../evidence.ts";
import { type Check, judge } from "../health.ts";
import { paths } from "../paths.ts";
import { choose, missingOf } from "../runner.ts";
import { allSteps } from "../setup.ts";

export const command: Command = {
  summary: "what this machine lacks, and whether the cluster is healthy",
  help: `
  npm run doctor                    stack local
  npm run doctor -- -s <stack>      another stack

Changes nothing. Exit code 1 if something is wrong; each such line ends with what to do.`,
  run: async (args, { signal }) => {
    let stack: string;
    try {
      stack = parseArgs({ args, options: { stack: { type: "string", short: "s", default: "local" } } }).values.stack;
    } catch (error) {
      throw new CommandError(`${error instanceof Error ? error.message : error} (npm run doctor -- --help)`);
    }
    await followDockerContext();
    console.log("This machine");
    const machine = await machineChecks();
    machine.forEach(print);
    console.log(`\nCluster of stack ${stack}`);
    const engineIsThere = machine.every(
      ({ name, remedy }) => remedy === null || !["pulumi", "docker engine"].includes(name),
    );
    const cluster = engineIsThere
      ? await clusterChecks(stack, signal)
      : [{ name: "cluster", found: "can't be looked at before the lines above are mended", remedy: "npm start" }];
    cluster.forEach(print);
    const wrong = [...machine, ...cluster].filter(({ remedy }) => remedy !== null).length;
    console.log(wrong === 0 ? "\nAll is well." : `\n${wrong} ${wrong === 1 ? "thing is" : "things are"} wrong.`);
    return wrong === 0 ? 0 : 1;
  },
};

function print({ name, found, remedy }: Check): void {
  console.log(`  ${remedy === null ? "ok   " : "WRONG"} ${name}: ${found}`);
  if (remedy !== null) console.log(`        -> ${remedy}`);
}

async function machineChecks(): Promise<Check[]> {
  const { present, missing } = await missingOf(allSteps);
  const lacking = await Promise.all(
    missing.map(async (step): Promise<Check> => {
      const { ways, blocked } = await choose(step);
      const remedy = ways[0] ? `npm start gets it by ${ways[0].how}` : blocked.join("; ");
      return { name: step.name, found: `not there (${step.why})`, remedy };
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

async function clusterChecks(stack: string, signal: AbortSignal): Promise<Check[]> {
  const nothing: Check = {
    name: "cluster",
    found: "nothing is up",
    remedy: stack === "local" ? "npm start" : `npm start -- -s ${stack}`,
  };
  if (!existsSync(`${paths.root}/stacks/Pulumi.${stack}.yaml`)) {
    return [{ ...nothing, found: `there is no stacks/Pulumi.${stack}.yaml`, remedy: "name another stack with -s" }];
  }
  if (!(await stackIsThere(stack, signal))) return [nothing];
  const outputs = await outputsOf(stack, signal);
  if (outputs === null) return [nothing];
  const { endpoint, apiKey, plan } = outputs;
  const containers = await Promise.all((await containersOf(stack)).map(withBuildInfo));
  const front = containers.find(({ role }) => role === "front");
  const question = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ messages: [{ role: "user", content: "Hello" }], max_tokens: 1 }),
  };
  const [health, withoutKey, withKey] = await Promise.all([
    statusOf(`${endpoint}/health`),
    statusOf(`${endpoint}/v1/chat/completions`, question),
    statusOf(`${endpoint}/props`, { headers: { authorization: `Bearer ${apiKey}` } }),
  ]);
  return judge({
    stack,
    containers,
    backendAddresses: plan.backends.map(({ address, port }) => `${address}:${port}`),
    evidence: loadEvidence(front ? await logOf(front.name) : ""),
    statuses: { health, withoutKey, withKey },
  });
}
