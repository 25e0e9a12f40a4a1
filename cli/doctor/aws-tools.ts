/** Checks the tools that create and reach a cluster on EC2. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { ClusterConfig } from "../../config/schema/index.ts";
import { jsonAnswer } from "../../setup/answer.ts";
import { paths } from "../../setup/paths.ts";
import { unreachable } from "../../setup/probe.ts";
import { which } from "../../setup/programs.ts";
import { pulumiAnswer } from "../../setup/pulumi/engine.ts";
import { askForCredentials } from "./aws-machines.ts";
import { type Check, well } from "./health.ts";

const CLI = "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html";
const SESSIONS =
  "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html";

/** Checks programs, and asks AWS whether it accepts the credentials. */
export async function awsToolChecks(stack: string, config: ClusterConfig, signal: AbortSignal): Promise<Check[]> {
  const region = config.aws?.region;
  return [
    ...(which("pulumi") === null ? [] : [await pluginCheck(signal)]),
    ...((config.access.mode ?? "ssm") === "ssm" ? sessionPrograms() : []),
    ...(region === undefined ? [] : [await credentialsCheck(stack, region, signal)]),
  ];
}

/** Pulumi downloads its plugin from this server. */
const PLUGIN_SOURCE = "https://github.com/pulumi/pulumi-aws";

async function pluginCheck(signal: AbortSignal): Promise<Check> {
  const name = "aws plugin";
  const file = which("pulumi-resource-aws");
  if (file !== null) return well(name, file);
  // The npm package decides which version the engine needs.
  const pack = join("node_modules", "@pulumi", "aws", "package.json");
  const { version } = jsonAnswer(readFileSync(join(paths.root, pack), "utf8"), z.object({ version: z.string() }), pack);
  const list = await pulumiAnswer(["plugin", "ls", "--json"], signal);
  const installed = jsonAnswer(list, pluginsSchema, "pulumi plugin ls");
  if (installed.some((plugin) => plugin.name === "aws" && plugin.version === version)) {
    return well(name, `${version}, installed`);
  }
  const reason = await unreachable(PLUGIN_SOURCE);
  if (reason === null) return well(name, `${version}, not installed yet: pulumi up downloads it`);
  return {
    name,
    found: `${version} is missing, and ${reason}`,
    remedy: `npm run pulumi -- plugin install resource aws ${version} --file <the plugin's archive, downloaded elsewhere>`,
  };
}

const pluginsSchema = z.array(z.object({ name: z.string(), version: z.string().nullish() }));

/** The programs that open a session to a front. */
export function sessionPrograms(): Check[] {
  const wanted = [
    { name: "AWS CLI", program: "aws", page: CLI },
    { name: "Session Manager plugin", program: "session-manager-plugin", page: SESSIONS },
  ];
  return wanted.map(({ name, program, page }) => {
    const file = which(program);
    if (file !== null) return well(name, file);
    return { name, found: "missing (opens the session to the front)", remedy: `install it as ${page} says` };
  });
}

async function credentialsCheck(stack: string, region: string, signal: AbortSignal): Promise<Check> {
  const name = "AWS credentials";
  const answer = await askForCredentials({ stack, region }, signal);
  if ("found" in answer) return well(name, `accepted in ${region}`);
  return { name, found: answer.refusal.what, remedy: answer.refusal.remedy };
}
