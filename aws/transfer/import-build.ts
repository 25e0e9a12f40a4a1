/** One build of CodeBuild, from its start to its end. */

import { setTimeout } from "node:timers/promises";
import type * as Logs from "@aws-sdk/client-cloudwatch-logs";
import type * as CodeBuild from "@aws-sdk/client-codebuild";
import type { RemoteFile } from "./model-files.ts";
import { TransferError } from "./transfer-error.ts";

export interface BuildTools {
  codebuild: { sdk: typeof CodeBuild; client: CodeBuild.CodeBuildClient };
  logs: { sdk: typeof Logs; client: Logs.CloudWatchLogsClient };
  sending: { abortSignal?: AbortSignal };
}

export interface BuildArgs {
  project: string;
  file: RemoteFile;
  /** What the script is told. */
  environment: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
  pollSeconds?: number | undefined;
}

/** What an import must at least come to, in bytes per second; slower ones are ended. */
const SLOWEST_BYTES_PER_SECOND = 10e6;
/** Minutes that a build gets beside the time for the bytes. */
const ALLOWANCE_MINUTES = 15;
/** Limits of CodeBuild. */
const MOST_MINUTES = 2160;
const MOST_QUEUED_MINUTES = 480;
/** How long the last lines of a build may take to its log. */
const LOG_DELAY_SECONDS = 20;

/** A build that imports one file. */
export class BuildRun {
  readonly #tools: BuildTools;
  readonly #args: BuildArgs;
  readonly #tell: (bytes: number) => void;
  #reason: string | null = null;
  #logToken: string | undefined;

  /** @param tell told how many bytes are there */
  constructor(tools: BuildTools, args: BuildArgs, tell: (bytes: number) => void) {
    this.#tools = tools;
    this.#args = args;
    this.#tell = tell;
  }

  async run(): Promise<void> {
    const { signal, pollSeconds = 5 } = this.#args;
    let build = (await this.#running()) ?? (await this.#start());
    while (!isOver(build)) {
      const current = build;
      await setTimeout(pollSeconds * 1000, undefined, { signal }).catch(() => this.#stopped(current));
      build = await this.#look(build);
      await this.#readLog(build);
    }
    if (build.buildStatus !== "SUCCEEDED") throw new TransferError(await this.#failure(build));
  }

  /** A build of the same file that an earlier run began. */
  async #running(): Promise<CodeBuild.Build | null> {
    const { sdk, client } = this.#tools.codebuild;
    const listed = await client.send(
      new sdk.ListBuildsForProjectCommand({ projectName: this.#args.project }),
      this.#tools.sending,
    );
    if (!listed.ids?.length) return null;
    const found = await client.send(new sdk.BatchGetBuildsCommand({ ids: listed.ids }), this.#tools.sending);
    const isSame = (build: CodeBuild.Build) => {
      const told = new Map(build.environment?.environmentVariables?.map(({ name, value }) => [name, value]));
      return Object.entries(this.#args.environment).every(([name, value]) => told.get(name) === value);
    };
    return found.builds?.find((build) => build.buildStatus === "IN_PROGRESS" && isSame(build)) ?? null;
  }

  async #start(): Promise<CodeBuild.Build> {
    const { sdk, client } = this.#tools.codebuild;
    const { project, environment, file } = this.#args;
    const minutes = Math.ceil(file.bytes / SLOWEST_BYTES_PER_SECOND / 60) + ALLOWANCE_MINUTES;
    const started = await client.send(
      new sdk.StartBuildCommand({
        projectName: project,
        environmentVariablesOverride: Object.entries(environment).map(([name, value]) => ({
          name,
          value,
          type: "PLAINTEXT",
        })),
        timeoutInMinutesOverride: Math.min(minutes, MOST_MINUTES),
        queuedTimeoutInMinutesOverride: MOST_QUEUED_MINUTES,
      }),
      this.#tools.sending,
    );
    if (started.build?.id === undefined) throw new Error("CodeBuild started a build and gave it no id");
    return started.build;
  }

  async #look(build: CodeBuild.Build): Promise<CodeBuild.Build> {
    const { sdk, client } = this.#tools.codebuild;
    const found = await client.send(new sdk.BatchGetBuildsCommand({ ids: [build.id ?? ""] }), this.#tools.sending);
    const [now] = found.builds ?? [];
    if (now === undefined) throw new TransferError(`${named(build)} is gone: run \`pulumi up\` again.`);
    return now;
  }

  /** Ends the build, as the operator wishes. */
  async #stopped(build: CodeBuild.Build): Promise<never> {
    const { sdk, client } = this.#tools.codebuild;
    await client.send(new sdk.StopBuildCommand({ id: build.id }));
    throw new TransferError(
      `The import of ${this.#args.file.place.source} was stopped: \`pulumi up\` begins it again.`,
    );
  }

  /** Reads what the script has said since the last time. */
  async #readLog({ logs }: CodeBuild.Build): Promise<void> {
    if (!logs?.groupName || !logs.streamName) return;
    const { sdk, client } = this.#tools.logs;
    const read = () =>
      client.send(
        new sdk.GetLogEventsCommand({
          logGroupName: logs.groupName,
          logStreamName: logs.streamName,
          startFromHead: true,
          ...(this.#logToken === undefined ? {} : { nextToken: this.#logToken }),
        }),
        this.#tools.sending,
      );
    while (true) {
      // The group's stream is made with its first line.
      const page = await read().catch((error: unknown) => {
        if (error instanceof this.#tools.logs.sdk.ResourceNotFoundException) return null;
        throw error;
      });
      for (const { message } of page?.events ?? []) this.#take(message ?? "");
      if (page === null || page.nextForwardToken === this.#logToken) return;
      this.#logToken = page.nextForwardToken;
    }
  }

  #take(line: string): void {
    const [, done] = /^llama-rpc-cluster: progress (\d+) of \d+ bytes/.exec(line) ?? [];
    if (done !== undefined) this.#tell(Number(done));
    const [, reason] = /^llama-rpc-cluster: failed: (.*)/.exec(line) ?? [];
    if (reason !== undefined) this.#reason = reason.trim();
  }

  async #failure(build: CodeBuild.Build): Promise<string> {
    const { pollSeconds = 5, signal, file } = this.#args;
    for (
      let waited = 0;
      this.#reason === null && waited < LOG_DELAY_SECONDS && !signal?.aborted;
      waited += pollSeconds
    ) {
      await this.#readLog(build);
      if (this.#reason === null) await setTimeout(pollSeconds * 1000);
    }
    const said = build.phases?.flatMap(({ contexts }) => contexts ?? []).findLast(({ message }) => message)?.message;
    const reason = this.#reason ?? said ?? `it ended with ${build.buildStatus}`;
    const where = build.logs?.groupName
      ? ` Its log is in ${build.logs.groupName}, ${build.logs.streamName ?? ""}.`
      : "";
    return `${file.place.source.replace(/\?.*$/, "")} was not imported: ${/[.!?]$/.test(reason) ? reason : `${reason}.`}${where}`;
  }
}

const isOver = ({ buildStatus }: CodeBuild.Build) => buildStatus !== undefined && buildStatus !== "IN_PROGRESS";
const named = ({ id }: CodeBuild.Build) => `The build ${id ?? "without an id"}`;
