/** Doctor's checks of a cluster on EC2: pure functions of the findings. */

import { isReady } from "../../aws/follow/status.ts";
import type { NodeStatus } from "../../aws/machine-status.ts";
import type { AccessPlan } from "../../plan/resources/access.ts";
import type { SchedulePlan } from "../../plan/resources/schedule.ts";
import { duration } from "../../setup/terminal.ts";
import type { ApiStatuses } from "../live/cluster.ts";
import { type Check, well } from "./health.ts";

/** One machine of the plan, as EC2 and its status parameter describe it. */
export interface SeenMachine {
  /** The plan's name: `front`, `<pool>-machine-<number>`. */
  name: string;
  /** EC2 type. */
  type: string;
  /** Null if no instance has its name. */
  instance: {
    id: string;
    /** EC2's state: `running`, `stopped`, … */
    state: string;
    /** EC2's reason for the state; may be empty. */
    reason: string;
    /** Unix time of the latest start, in milliseconds. */
    launchedAt: number;
  } | null;
  /** Its status since its latest start; null if it has written none. */
  status: NodeStatus | null;
  /** The last status on its console, read only if it has written none to its parameter. */
  onConsole: NodeStatus | null;
}

/** The findings about a cluster on EC2. */
export interface AwsFindings {
  stack: string;
  region: string;
  /** Unix time of the check, in milliseconds. */
  now: number;
  schedule: SchedulePlan | null;
  /** The front first; null if AWS could not be asked. */
  machines: readonly SeenMachine[] | null;
  access: AccessPlan;
  endpoint: string;
  /** Command that makes the endpoint reachable; empty if none is needed. */
  connect: string;
  statuses: ApiStatuses;
}

/** A start without progress for this long counts as stalled. */
const STALLED_MS = 30 * 60_000;

/** Checks a cluster on EC2: each machine, then the front as a client sees it. */
export function judgeAws(findings: AwsFindings): Check[] {
  return [...(findings.machines ?? []).map((machine) => machineCheck(machine, findings)), ...frontChecks(findings)];
}

type Instance = NonNullable<SeenMachine["instance"]>;

function machineCheck(machine: SeenMachine, findings: AwsFindings): Check {
  const { stack, region, now } = findings;
  const name = `machine ${machine.name}`;
  const { instance, status } = machine;
  if (instance === null || instance.state === "terminated" || instance.state === "shutting-down") {
    return { name, found: `does not exist (${machine.type})`, remedy: upOf(stack) };
  }
  const console = `aws ec2 get-console-output --latest --output text --region ${region} --instance-id ${instance.id}`;
  const what = `${machine.type}, ${instance.id}`;
  if (instance.state === "pending") {
    return { name, found: `EC2 is starting it (${what})`, remedy: "run this again in a minute" };
  }
  if (instance.state !== "running" || hasStoppedItself(status)) {
    return { name, found: stopOf(machine, instance, findings), remedy: startOf(instance, findings) };
  }
  const last = status ?? machine.onConsole;
  if (last === null) {
    const found = `has reported nothing in the ${duration(now - instance.launchedAt)} since its start (${what})`;
    return { name, found, remedy: `run this again in a minute; details are on its console: ${console}` };
  }
  const only = status === null ? ", on its console only, because it could not write its parameter" : "";
  if (last.state === "failed" || last.state === "degraded") {
    const found = `${last.state} at ${last.step} ${ago(last, now)}${only}: ${last.text}`;
    return { name, found, remedy: `fix that, and it tries again by itself; details are on its console: ${console}` };
  }
  if (isReady(last)) {
    if (status !== null) return well(name, `serving since ${utc(last.seconds * 1000)} (${what})`);
    return { name, found: `is serving, but can't write its parameter (${what})`, remedy: upOf(stack) };
  }
  const text = last.text === "" ? "" : `: ${last.text}`;
  const isStalled = now - last.seconds * 1000 > STALLED_MS;
  return {
    name,
    found: `is starting, at ${last.step} ${ago(last, now)}${only}${text} (${what})`,
    remedy: isStalled
      ? `it has made no progress since; the reason is on its console: ${console}`
      : "run this again in a minute",
  };
}

/** The last status of a machine that powers itself off (stop.sh). */
const hasStoppedItself = (status: NodeStatus | null) => status?.step === "serving" && status.state === "done";

const isStopped = ({ instance, status }: SeenMachine) =>
  instance !== null && (instance.state === "stopped" || instance.state === "stopping" || hasStoppedItself(status));

/** EC2 reclaimed the spot machine and will start it again when it has capacity. */
const isTakenBack = ({ reason }: Instance) => /^Server\.Spot|spot instance/i.test(reason);

function stopOf({ status, type }: SeenMachine, instance: Instance, { schedule }: AwsFindings): string {
  const state = instance.state === "running" ? "stopping" : instance.state;
  const what = `${state} (${type}, ${instance.id})`;
  if (status !== null && hasStoppedItself(status))
    return `${what}, by itself: ${status.text.replace(/^stopped: /, "")}`;
  const reason = instance.reason === "" ? "" : `: ${instance.reason}`;
  // EC2 does not tell a stop by the scheduler from one by a user.
  if (schedule === null || isTakenBack(instance)) return `${what}${reason}`;
  return `${what}${reason}; limits.schedule stops it ${hours(schedule.stopFront)} and starts it ${hours(schedule.startBackends)} (${schedule.timeZone})`;
}

function startOf(instance: Instance, { machines, region }: AwsFindings): string {
  if (isTakenBack(instance)) return "EC2 starts it again when it has capacity; market: on-demand avoids this";
  const stopped = (machines ?? []).filter((one) => isStopped(one) && one.instance && !isTakenBack(one.instance));
  if (stopped[0]?.instance?.id !== instance.id) return "the command above starts it too";
  const ids = stopped.flatMap((one) => one.instance?.id ?? []);
  const wait = stopped.some((one) => one.instance?.state !== "stopped") ? "once it has stopped, " : "";
  return `${wait}start ${ids.length === 1 ? "it" : "them"}: aws ec2 start-instances --region ${region} --instance-ids ${ids.join(" ")}`;
}

function frontChecks(findings: AwsFindings): Check[] {
  const { access, connect, endpoint, stack, statuses } = findings;
  const name = "front";
  const isSession = access.mode === "ssm";
  const [front] = findings.machines ?? [];
  const isServing = front === undefined || (front.status !== null && isReady(front.status) && !isStopped(front));
  if (statuses.health === 0) {
    if (!isServing) return [{ name, found: `${endpoint} does not answer`, remedy: "see the front's machine above" }];
    switch (access.mode) {
      case "ssm":
        return [
          {
            name,
            found: `not checked, because nothing answers on ${endpoint}: no session is open`,
            remedy: `open the session in another terminal and run this again: ${connect}`,
            isUnknown: true,
          },
        ];
      case "private":
        return [
          {
            name,
            found: `${endpoint} does not answer from here`,
            remedy: `run this from a machine in ${access.allowedCidrs.join(", ")} (access.allowedCidrs)`,
            isUnknown: true,
          },
        ];
      case "public":
        return [
          {
            name,
            found: `${endpoint} does not answer`,
            remedy: `your address must be in ${access.allowedCidrs.join(", ")} (access.allowedCidrs); if it is, ${upOf(stack)}`,
          },
        ];
    }
  }
  if (statuses.health !== 200) {
    const found = `${endpoint} answers with status ${statuses.health}`;
    if (isSession && !LOADING.has(statuses.health)) return [{ name, found, remedy: anotherServer(findings) }];
    return [
      { name, found, remedy: isServing ? `run this again in a minute; then ${upOf(stack)}` : "see its machine above" },
    ];
  }
  return [well(name, `${endpoint} is ready`), keyCheck(findings)];
}

/** Answers of a loading front, and of a load balancer whose front does not answer. */
const LOADING: ReadonlySet<number> = new Set([502, 503, 504]);

function keyCheck(findings: AwsFindings): Check {
  const { access, statuses, stack } = findings;
  const name = "API key";
  const isSession = access.mode === "ssm";
  if (statuses.withoutKey !== 401) {
    const found = `a request without the key gets status ${statuses.withoutKey}, not 401`;
    return { name, found, remedy: isSession ? anotherServer(findings) : upOf(stack) };
  }
  if (statuses.withKey !== 200) {
    const found = `a request with the stack's key gets status ${statuses.withKey}`;
    return { name, found, remedy: isSession ? anotherServer(findings) : `${upOf(stack)} (the front has another key)` };
  }
  return well(name, "required, and the stack's key is accepted");
}

/** A session forwards a port that another program may use, most likely a cluster of target docker. */
const anotherServer = ({ endpoint, connect, stack }: AwsFindings) =>
  `if another server listens on ${endpoint}, stop it and connect again: ${connect}; else ${upOf(stack)}`;

const upOf = (stack: string) => `npm run pulumi -- up --refresh -s ${stack}`;

const ago = ({ seconds }: NodeStatus, now: number) => `${duration(Math.max(0, now - seconds * 1000))} ago`;

/** `2026-11-28 18:20 UTC` */
const utc = (milliseconds: number) => `${new Date(milliseconds).toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** `cron(0 8 ? * MON,TUE *)` as text: `at 08:00 on MON,TUE`. */
function hours(expression: string): string {
  const [, minute, hour, days] = /^cron\((\d+) (\d+) \? \* (\S+) \*\)$/.exec(expression) ?? [];
  if (minute === undefined || hour === undefined) return expression;
  return `at ${hour.padStart(2, "0")}:${minute.padStart(2, "0")} on ${days}`;
}
