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
  /** The script's environment. */
  environment: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
  pollSeconds?: number | undefined;
}

/** Slowest import in bytes per second: the build's time limit follows from it. */
const SLOWEST_BYTES_PER_SECOND = 10e6;
/** Minutes that a build gets beyond the time for the transfer. */
const ALLOWANCE_MINUTES = 15;
/** Limits of CodeBuild. */
const MOST_MINUTES = 2160;
const MOST_QUEUED_MINUTES = 480;
/** Longest delay of a build's last log lines. */
const LOG_DELAY_SECONDS = 20;

/** A build that imports one file. */
export class BuildRun {
  readonly #tools: BuildTools;
  readonly #args: BuildArgs;
  readonly #onBytes: (bytes: number) => void;
  #reason: string | null = null;
  #logToken: string | undefined;

  /** @param onBytes called with the number of imported bytes */
  constructor(tools: BuildTools, args: BuildArgs, onBytes: (bytes: number) => void) {
    this.#tools = tools;
    this.#args = args;
    this.#onBytes = onBytes;
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

  /** A running build of the same file that an earlier run started. */
  async #running(): Promise<CodeBuild.Build | null> {
    const { sdk, client } = this.#tools.codebuild;
    const listed = await client.send(
      new sdk.ListBuildsForProjectCommand({ projectName: this.#args.project }),
      this.#tools.sending,
    );
    if (!listed.ids?.length) return null;
    const found = await client.send(new sdk.BatchGetBuildsCommand({ ids: listed.ids }), this.#tools.sending);
    const isSame = (build: CodeBuild.Build) => {
      const variables = new Map(build.environment?.environmentVariables?.map(({ name, value }) => [name, value]));
      return Object.entries(this.#args.environment).every(([name, value]) => variables.get(name) === value);
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
    if (started.build?.id === undefined) throw new Error("CodeBuild started a build without an id");
    return started.build;
  }

  async #look(build: CodeBuild.Build): Promise<CodeBuild.Build> {
    const { sdk, client } = this.#tools.codebuild;
    const found = await client.send(new sdk.BatchGetBuildsCommand({ ids: [build.id ?? ""] }), this.#tools.sending);
    const [now] = found.builds ?? [];
    if (now === undefined) throw new TransferError(`${named(build)} is gone: run \`pulumi up\` again.`);
    return now;
  }

  /** Ends the build after the user interrupted `pulumi up`. */
  async #stopped(build: CodeBuild.Build): Promise<never> {
    const { sdk, client } = this.#tools.codebuild;
    await client.send(new sdk.StopBuildCommand({ id: build.id }));
    throw new TransferError(
      `The import of ${this.#args.file.place.source} was stopped: \`pulumi up\` starts it again.`,
    );
  }

  /** Reads the script's new log lines. */
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
      // The log stream does not exist before its first line.
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
    if (done !== undefined) this.#onBytes(Number(done));
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
    const phaseMessage = build.phases
      ?.flatMap(({ contexts }) => contexts ?? [])
      .findLast(({ message }) => message)?.message;
    const reason = this.#reason ?? phaseMessage ?? `it ended with ${build.buildStatus}`;
    const where = build.logs?.groupName
      ? ` Its log is in ${build.logs.groupName}, ${build.logs.streamName ?? ""}.`
      : "";
    return `${file.place.source.replace(/\?.*$/, "")} was not imported: ${/[.!?]$/.test(reason) ? reason : `${reason}.`}${where}`;
  }
}

const isOver = ({ buildStatus }: CodeBuild.Build) => buildStatus !== undefined && buildStatus !== "IN_PROGRESS";
const named = ({ id }: CodeBuild.Build) => `The build ${id ?? "without an id"}`;
