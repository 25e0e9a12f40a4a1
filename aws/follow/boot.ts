/** Follows the start of a cluster until its front has answered, or reports why it does not. */

import { setTimeout } from "node:timers/promises";
import { UserError } from "../../config/errors.ts";
import type { AwsConnection } from "../connection.ts";
import { awsClause, isRefusal } from "../errors.ts";
import type { NodeStatus } from "../machine-status.ts";
import { type BootMachine, type Sighting, Watch } from "./machines.ts";
import { BootReport, duration, type ReportLine } from "./report.ts";
import { isReady } from "./status.ts";

export interface FollowArgs {
  connection: AwsConnection;
  front: BootMachine;
  backends: readonly BootMachine[];
  /** Longest wait for the front's answer. */
  timeoutSeconds: number;
  /** Called with a line for every change. */
  say: (line: ReportLine) => void;
  /** Stops following; the machines keep starting. */
  signal?: AbortSignal | undefined;
  /** Pause between two checks. @default 5 */
  pollSeconds?: number | undefined;
  /** Seconds between two reads of a silent machine's console; EC2 updates it about as often. @default 120 */
  consoleSeconds?: number | undefined;
}

/** A start that failed or took too long. The message is meant for the user: which machine, why, and what to do. */
export class BootError extends UserError {
  override readonly name = "BootError";
}

/** Longest pause while AWS throttles or does not answer. */
const LONGEST_PAUSE_SECONDS = 60;
/** A machine in one of these states will not start. */
const ENDED: ReadonlySet<string> = new Set(["shutting-down", "terminated", "stopping", "stopped"]);
/** A machine's longest pause between two tries (node.sh), plus time for the try. */
const OLD_FAILURE_SECONDS = 300;
const NEEDS = "ssm:GetParameters on the cluster's parameters, ec2:DescribeInstances and ec2:GetConsoleOutput";

/**
 * Follows a start until the front has answered a real generation.
 * @throws {BootError} if a machine reports a failure or has stopped, or if the front has not answered in time
 */
export async function followBoot(args: FollowArgs): Promise<void> {
  const machines = [args.front, ...args.backends];
  const watch = await Watch.over(machines, args.connection, args.signal);
  try {
    await new Following(args, machines, watch).run();
  } finally {
    watch.close();
  }
}

class Following {
  readonly #args: FollowArgs;
  readonly #machines: readonly BootMachine[];
  readonly #watch: Watch;
  readonly #report: BootReport;
  readonly #began = Date.now();
  #seen: Map<string, Sighting> = new Map();
  #consolesReadAt = this.#began;
  /** By machine: the time of a failure that the first check found. */
  #failedBefore: Map<string, number> | null = null;

  constructor(args: FollowArgs, machines: readonly BootMachine[], watch: Watch) {
    this.#args = args;
    this.#machines = machines;
    this.#watch = watch;
    this.#report = new BootReport(args.front, args.backends);
  }

  async run(): Promise<void> {
    const { pollSeconds = 5, signal, timeoutSeconds, front, say } = this.#args;
    let pauseSeconds = pollSeconds;
    let trouble: unknown = null;
    while (true) {
      try {
        this.#seen = await this.#watch.look();
        [trouble, pauseSeconds] = [null, pollSeconds];
        for (const line of this.#report.lines(this.#seen)) say(this.#timed(line));
        await this.#askSilent();
        this.#noteOldFailures();
        this.#assertAlive();
        const status = this.#seen.get(front.machine)?.status;
        if (status && isReady(status)) return say({ text: `ready after ${this.#elapsed()}`, passing: false });
      } catch (error) {
        if (error instanceof BootError) throw error;
        if (signal?.aborted) throw this.#stopped();
        if (isRefusal(error))
          throw new BootError(`The start can't be followed: ${awsClause(error, { needs: NEEDS })} ${STILL_STARTING}`);
        // The SDK has tried several times: AWS throttles, or the network is down. The machines keep starting.
        if (trouble === null)
          say(this.#timed({ text: `${awsClause(error, { needs: NEEDS })} Trying again.`, passing: false }));
        [trouble, pauseSeconds] = [error, Math.min(pauseSeconds * 2, LONGEST_PAUSE_SECONDS)];
      }
      const leftMs = this.#began + timeoutSeconds * 1000 - Date.now();
      if (leftMs <= 0) throw await this.#tooLate(trouble);
      await setTimeout(Math.min(pauseSeconds * 1000, leftMs), undefined, { signal }).catch(() => {
        throw this.#stopped();
      });
    }
  }

  /** @throws {BootError} if a machine has failed or stopped */
  #assertAlive(): void {
    const failures = this.#machines.flatMap((machine) => this.#failureOf(machine) ?? []);
    if (failures.length > 0) throw new BootError(`The cluster did not start: ${failures.join(" ")}`);
  }

  #failureOf(machine: BootMachine): string | null {
    const { status = null, instance = null } = this.#seen.get(machine.machine) ?? {};
    if (instance !== null && ENDED.has(instance.state)) {
      const last = status === null ? "" : ` Its last status: ${statusText(status)}`;
      return `${labelOf(machine)} is ${instance.state}${instance.reason === "" ? "" : ` (${instance.reason})`}.${last}`;
    }
    if (status?.state !== "failed") return null;
    // This failure is older than this run: its cause may be fixed, and the machine tries again by itself.
    const isOld = this.#failedBefore?.get(machine.machine) === status.seconds;
    if (isOld && Date.now() - this.#began < OLD_FAILURE_SECONDS * 1000) return null;
    return `${labelOf(machine)} failed at ${statusText(status)} It tries again by itself; \`pulumi up\` follows it again.`;
  }

  /** Records the failures that the first check finds. */
  #noteOldFailures(): void {
    if (this.#failedBefore !== null) return;
    this.#failedBefore = new Map();
    for (const machine of this.#machines) {
      const status = this.#seen.get(machine.machine)?.status;
      if (status?.state !== "failed") continue;
      this.#failedBefore.set(machine.machine, status.seconds);
      this.#args.say({
        text: `${labelOf(machine)} had failed at ${statusText(status)} Waiting for its next try.`,
        passing: false,
      });
    }
  }

  /**
   * Reads the consoles of machines without a status. A machine writes the reason there if it can't reach SSM or if its
   * clock is wrong. Only failures count, because a console keeps the lines of earlier starts.
   */
  async #askSilent(): Promise<void> {
    const { consoleSeconds = 120 } = this.#args;
    if (Date.now() - this.#consolesReadAt < consoleSeconds * 1000) return;
    this.#consolesReadAt = Date.now();
    for (const machine of this.#machines) {
      const sighting = this.#seen.get(machine.machine);
      if (sighting?.instance?.state !== "running" || sighting.status !== null) continue;
      const status = await this.#watch.consoleStatus(machine);
      if (status?.state === "failed") this.#seen.set(machine.machine, { ...sighting, status });
    }
  }

  async #tooLate(trouble: unknown): Promise<BootError> {
    const unfinished = this.#machines.filter(({ machine }) => {
      const status = this.#seen.get(machine)?.status;
      return !status || !isReady(status);
    });
    const lines = await Promise.all(unfinished.map((machine) => this.#lastWords(machine)));
    const reason = trouble === null ? "" : ` ${awsClause(trouble, { needs: NEEDS })}`;
    return new BootError(
      [`The front has not answered within ${duration(this.#args.timeoutSeconds * 1000)}.${reason}`, ...lines].join(
        "\n",
      ),
    );
  }

  async #lastWords(machine: BootMachine): Promise<string> {
    const { connection } = this.#args;
    const status = this.#seen.get(machine.machine)?.status ?? null;
    const look = `aws ec2 get-console-output --latest --output text --region ${connection.region} --instance-id ${machine.instanceId}`;
    if (status !== null) {
      const ago = duration(Date.now() - status.seconds * 1000);
      return `  ${labelOf(machine)} reported ${ago} ago: ${statusText(status)} More: ${look}`;
    }
    const onConsole = await this.#watch.consoleStatus(machine).catch((error: unknown) => error);
    if (onConsole instanceof Error)
      return `  ${labelOf(machine)} has reported nothing, and its console can't be read: ${awsClause(onConsole, { service: "EC2", needs: "ec2:GetConsoleOutput" })}`;
    const fromConsole = isStatus(onConsole) ? `; on its console: ${statusText(onConsole)}` : ".";
    return `  ${labelOf(machine)} has written nothing to its parameter${fromConsole} More: ${look}`;
  }

  #stopped(): BootError {
    return new BootError(`Stopped following the start. ${STILL_STARTING}`);
  }

  #elapsed(): string {
    return duration(Date.now() - this.#began);
  }

  #timed({ text, passing }: ReportLine): ReportLine {
    return { text: `${this.#elapsed()}: ${text}`, passing };
  }
}

const STILL_STARTING = "The machines keep starting; `pulumi up` follows them again.";

const labelOf = ({ machine, instanceId }: BootMachine) => `${machine} (${instanceId})`;

const statusText = ({ step, text }: NodeStatus) => `${step}: ${/[.!?]$/.test(text) ? text : `${text}.`}`;

const isStatus = (value: unknown): value is NodeStatus =>
  typeof value === "object" && value !== null && "step" in value;
