/** The import script, run for real: by itself, and as what a build of CodeBuild does in front of the double. */

import { delimiter, dirname, join } from "node:path";
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { execa } from "execa";
import { parse } from "yaml";
import { importBuildspec } from "../../../aws/transfer/import.ts";
import type { FrontOfDouble } from "./front-of-double.ts";

const REGION = "us-east-1";
export const LOG_GROUP = "/llama-rpc-cluster/test/model-import";

/** Bytes of one request of the script in tests: several chunks of a small file. */
export const CHUNK_BYTES = 64 * 1024;

export interface Ran {
  exitCode: number | undefined;
  /** What it has said, standard output and errors together. */
  lines: string[];
}

/** What running the script takes. */
export interface ScriptTools {
  /** Path of AWS's command line. */
  aws: string;
  /** Address of the double. */
  endpoint: string;
}

/**
 * Runs the commands of the buildspec as CodeBuild does.
 * @param environment of the build
 */
export async function runImport(
  { aws, endpoint }: ScriptTools,
  environment: Readonly<Record<string, string>>,
  onLine: (line: string) => void = () => {},
): Promise<Ran> {
  const { phases } = parse(importBuildspec()) as { phases: { build: { commands: string[] } } };
  // The script's file is one of the machine that the build has for itself.
  const own = `$TMPDIR/import.sh`;
  const commands = phases.build.commands.map((command) => command.replaceAll("/tmp/import.sh", own)).join("\n");
  const lines: string[] = [];
  const folder = (await execa("mktemp", ["-d"])).stdout;
  const run = execa("bash", ["-c", commands], {
    env: {
      PATH: [dirname(aws), process.env["PATH"]].join(delimiter),
      HOME: folder,
      TMPDIR: folder,
      AWS_ENDPOINT_URL: endpoint,
      AWS_DEFAULT_REGION: REGION,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_CONFIG_FILE: join(folder, "none"),
      CHUNK_BYTES: String(CHUNK_BYTES),
      RETRY_SECONDS: "0",
      ...environment,
    },
    extendEnv: false,
    all: true,
    reject: false,
  });
  for await (const line of run.iterable({ from: "all" })) {
    lines.push(line);
    onLine(line);
  }
  const { exitCode } = await run;
  await execa("rm", ["-r", folder]);
  return { exitCode, lines };
}

interface Build {
  status: "IN_PROGRESS" | "SUCCEEDED" | "FAILED" | "STOPPED";
  environment: { name: string; value: string }[];
  ran: Promise<void>;
}

/** CodeBuild that really builds: moto keeps the builds and calls each of them done at once, this one runs the script. */
export class RealBuilds {
  readonly #builds = new Map<string, Build>();
  readonly #front: FrontOfDouble;
  readonly #tools: ScriptTools;
  readonly #more: Readonly<Record<string, string>>;
  readonly #logs: CloudWatchLogsClient;

  /** @param more environment of the project */
  constructor(front: FrontOfDouble, tools: ScriptTools, more: Readonly<Record<string, string>> = {}) {
    this.#front = front;
    this.#tools = tools;
    this.#more = more;
    this.#logs = new CloudWatchLogsClient({ region: REGION, endpoint: tools.endpoint });
    front.intervene = async (seen, response) => {
      const operation = /^CodeBuild_\d+\.(\w+)$/.exec(seen.target)?.[1];
      if (operation !== "StartBuild" && operation !== "BatchGetBuilds") return undefined;
      const answer = JSON.parse(
        await front.forward(seen, { "x-amz-target": seen.target, authorization: AUTHORIZATION }),
      );
      const asked = JSON.parse(seen.body.toString("utf8"));
      if (operation === "StartBuild" && answer.build)
        await this.#start(answer.build.id, asked.environmentVariablesOverride);
      for (const build of answer.builds ?? [answer.build]) if (build) Object.assign(build, this.#patch(build.id));
      front.seen.push(seen);
      response.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(answer));
      return "handled";
    };
  }

  /** How many builds were started. */
  get count(): number {
    return this.#builds.size;
  }

  async close(): Promise<void> {
    this.#front.intervene = () => undefined;
    await Promise.all([...this.#builds.values()].map(({ ran }) => ran));
    this.#logs.destroy();
  }

  async #start(id: string, environment: { name: string; value: string }[]): Promise<void> {
    const stream = { logGroupName: LOG_GROUP, logStreamName: streamOf(id) };
    await this.#logs.send(new CreateLogGroupCommand({ logGroupName: LOG_GROUP })).catch((error: unknown) => {
      if (!(error instanceof Error && error.name === "ResourceAlreadyExistsException")) throw error;
    });
    await this.#logs.send(new CreateLogStreamCommand(stream));
    const told = Object.fromEntries(environment.map(({ name, value }) => [name, value]));
    let written = Promise.resolve();
    const log = (message: string) => {
      written = written.then(async () => {
        const logEvents = [{ timestamp: Date.now(), message }];
        await this.#logs.send(new PutLogEventsCommand({ ...stream, logEvents }));
      });
    };
    const build: Build = { status: "IN_PROGRESS", environment, ran: Promise.resolve() };
    build.ran = runImport(this.#tools, { ...this.#more, ...told, CODEBUILD_BUILD_ID: id }, log).then(
      async ({ exitCode }) => {
        await written;
        build.status = exitCode === 0 ? "SUCCEEDED" : "FAILED";
      },
    );
    this.#builds.set(id, build);
  }

  #patch(id: string) {
    const build = this.#builds.get(id);
    return {
      buildStatus: build?.status,
      environment: { environmentVariables: build?.environment },
      // Those of the double are texts, where CodeBuild sends numbers.
      startTime: undefined,
      endTime: undefined,
      phases: [],
      logs: { groupName: LOG_GROUP, streamName: streamOf(id) },
    };
  }
}

const streamOf = (id: string) => id.split(":").at(-1) ?? id;

/** The double reads from it which service is meant. */
const AUTHORIZATION =
  "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/codebuild/aws4_request, SignedHeaders=host, Signature=0";
