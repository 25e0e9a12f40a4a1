/** What doctor says of a cluster on EC2: pure judgements on what was found. */

import { isReady } from "../../aws/follow/status.ts";
import type { NodeStatus } from "../../aws/machine-status.ts";
import type { AccessPlan } from "../../plan/resources/access.ts";
import type { SchedulePlan } from "../../plan/resources/schedule.ts";
import { duration } from "../../setup/terminal.ts";
import type { ApiStatuses } from "../live/cluster.ts";
import { type Check, well } from "./health.ts";

/** One machine of the plan, as EC2 and its own parameter describe it. */
export interface SeenMachine {
  /** The plan's name: `front`, `<pool>-machine-<number>`. */
  name: string;
  /** EC2 type. */
  type: string;
  /** Null where no instance carries its name. */
  instance: {
    id: string;
    /** EC2's word: `running`, `stopped`, … */
    state: string;
    /** Why it is in that state, in EC2's words; empty if EC2 does not say. */
    reason: string;
    /** Unix time of the latest start, in milliseconds. */
    launchedAt: number;
  } | null;
  /** What it has written since its latest start; null if nothing. */
  status: NodeStatus | null;
  /** The last line on its console, asked for where it has written no status. */
  onConsole: NodeStatus | null;
}

/** Everything that was found out about a cluster on EC2. */
export interface AwsFindings {
  stack: string;
  region: string;
  /** Unix time of the look, in milliseconds. */
  now: number;
  schedule: SchedulePlan | null;
  /** The front's first; null where AWS could not be asked. */
  machines: readonly SeenMachine[] | null;
  access: AccessPlan;
  endpoint: string;
  /** Command that makes the endpoint reachable; empty where it is. */
  connect: string;
  statuses: ApiStatuses;
}

/** A start that has not moved for so long is looked at. */
const STALLED_MS = 30 * 60_000;

/** Judges a cluster on EC2: each machine, then the front as whoever asks it sees it. */
export function judgeAws(findings: AwsFindings): Check[] {
  return [...(findings.machines ?? []).map((machine) => machineCheck(machine, findings)), ...frontChecks(findings)];
}

type Instance = NonNullable<SeenMachine["instance"]>;

function machineCheck(machine: SeenMachine, findings: AwsFindings): Check {
  const { stack, region, now } = findings;
  const name = `machine ${machine.name}`;
  const { instance, status } = machine;
  if (instance === null || instance.state === "terminated" || instance.state === "shutting-down") {
    return { name, found: `is not there (${machine.type})`, remedy: upOf(stack) };
  }
  const console = `aws ec2 get-console-output --latest --output text --region ${region} --instance-id ${instance.id}`;
  const what = `${machine.type}, ${instance.id}`;
  if (instance.state === "pending") {
    return { name, found: `EC2 is starting it (${what})`, remedy: "ask again in a minute" };
  }
  if (instance.state !== "running" || hasStoppedItself(status)) {
    return { name, found: stopOf(machine, instance, findings), remedy: startOf(instance, findings) };
  }
  const said = status ?? machine.onConsole;
  if (said === null) {
    const found = `has said nothing in the ${duration(now - instance.launchedAt)} since its start (${what})`;
    return { name, found, remedy: `ask again in a minute; its console says more: ${console}` };
  }
  const only = status === null ? ", on its console alone: it could not write its parameter" : "";
  if (said.state === "failed" || said.state === "degraded") {
    const found = `${said.state} at ${said.step} ${ago(said, now)}${only}: ${said.text}`;
    return { name, found, remedy: `mend that, and it tries again by itself; its console says more: ${console}` };
  }
  if (isReady(said)) {
    if (status !== null) return well(name, `serving since ${utc(said.seconds * 1000)} (${what})`);
    return { name, found: `serves, but can't write its parameter (${what})`, remedy: upOf(stack) };
  }
  const text = said.text === "" ? "" : `: ${said.text}`;
  const isStalled = now - said.seconds * 1000 > STALLED_MS;
  return {
    name,
    found: `is starting, at ${said.step} ${ago(said, now)}${only}${text} (${what})`,
    remedy: isStalled ? `it has not moved since; its console says why: ${console}` : "ask again in a minute",
  };
}

/** The last word of a machine that powers itself off (stop.sh). */
const hasStoppedItself = (status: NodeStatus | null) => status?.step === "serving" && status.state === "done";

const isStopped = ({ instance, status }: SeenMachine) =>
  instance !== null && (instance.state === "stopped" || instance.state === "stopping" || hasStoppedItself(status));

/** EC2 took a spot machine back, and starts it again when there is room for it. */
const isTakenBack = ({ reason }: Instance) => /^Server\.Spot|spot instance/i.test(reason);

function stopOf({ status, type }: SeenMachine, instance: Instance, { schedule }: AwsFindings): string {
  const state = instance.state === "running" ? "stopping" : instance.state;
  const what = `${state} (${type}, ${instance.id})`;
  if (status !== null && hasStoppedItself(status))
    return `${what}, by itself: ${status.text.replace(/^stopped: /, "")}`;
  const reason = instance.reason === "" ? "" : `: ${instance.reason}`;
  // The scheduler stops machines as a user does.
  if (schedule === null || isTakenBack(instance)) return `${what}${reason}`;
  return `${what}${reason}; limits.schedule stops it ${hours(schedule.stopFront)} and starts it ${hours(schedule.startBackends)} (${schedule.timeZone})`;
}

function startOf(instance: Instance, { machines, region }: AwsFindings): string {
  if (isTakenBack(instance)) return "EC2 starts it again when it has room; market: on-demand keeps it";
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
            found: `not looked at, as nothing answers on ${endpoint}: no session is open`,
            remedy: `open the session in another terminal, and ask again: ${connect}`,
            isUnknown: true,
          },
        ];
      case "private":
        return [
          {
            name,
            found: `${endpoint} does not answer from here`,
            remedy: `ask again from a machine in ${access.allowedCidrs.join(", ")} (access.allowedCidrs)`,
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
      { name, found, remedy: isServing ? `ask again in a minute; then ${upOf(stack)}` : "see its machine above" },
    ];
  }
  return [well(name, `${endpoint} is ready`), keyCheck(findings)];
}

/** The front's own answer while it loads, and a load balancer's for one that does not answer. */
const LOADING: ReadonlySet<number> = new Set([502, 503, 504]);

function keyCheck(findings: AwsFindings): Check {
  const { access, statuses, stack } = findings;
  const name = "API key";
  const isSession = access.mode === "ssm";
  if (statuses.withoutKey !== 401) {
    const found = `a question without the key gets status ${statuses.withoutKey}, not 401`;
    return { name, found, remedy: isSession ? anotherServer(findings) : upOf(stack) };
  }
  if (statuses.withKey !== 200) {
    const found = `the stack's own key gets status ${statuses.withKey}`;
    return { name, found, remedy: isSession ? anotherServer(findings) : `${upOf(stack)} (the front has another key)` };
  }
  return well(name, "required, and the stack's key is taken");
}

/** A session forwards a port that another program of this machine may have, a cluster of target docker above all. */
const anotherServer = ({ endpoint, connect, stack }: AwsFindings) =>
  `if another server listens on ${endpoint}, stop it and connect again: ${connect}; else ${upOf(stack)}`;

const upOf = (stack: string) => `npm run pulumi -- up --refresh -s ${stack}`;

const ago = ({ seconds }: NodeStatus, now: number) => `${duration(Math.max(0, now - seconds * 1000))} ago`;

/** `2026-11-28 18:20 UTC` */
const utc = (milliseconds: number) => `${new Date(milliseconds).toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** `cron(0 8 ? * MON,TUE *)` as people say it: `at 08:00 on MON,TUE`. */
function hours(expression: string): string {
  const [, minute, hour, days] = /^cron\((\d+) (\d+) \? \* (\S+) \*\)$/.exec(expression) ?? [];
  if (minute === undefined || hour === undefined) return expression;
  return `at ${hour.padStart(2, "0")}:${minute.padStart(2, "0")} on ${days}`;
}
