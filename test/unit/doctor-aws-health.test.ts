import { describe, expect, test } from "vitest";
import { type NodeState, type NodeStatus, type NodeStep, parseStatus } from "../../aws/machine-status.ts";
import { type AwsFindings, judgeAws, type SeenMachine } from "../../cli/doctor/aws-health.ts";

const NOW = Date.UTC(2026, 10, 28, 18, 0);
const MINUTE = 60_000;

/** What a machine wrote so many minutes before now. */
function wrote(minutesAgo: number, step: NodeStep, state: NodeState, text: string): NodeStatus {
  const status = parseStatus(`${(NOW - minutesAgo * MINUTE) / 1000} ${step} ${state} ${text}`);
  if (status === null) throw new Error(`${step} ${state} is no status: see aws/machine-status.ts`);
  return status;
}

const machine = (name: string, id: string): SeenMachine => ({
  name,
  type: "c8g.xlarge",
  instance: { id, state: "running", reason: "", launchedAt: NOW - 90 * MINUTE },
  status: wrote(75, "serving", "ready", "answered"),
  onConsole: null,
});
const FRONT = machine("front", "i-0f");
const GPU = machine("gpu-machine-0", "i-0a");
const ARM = machine("arm-machine-0", "i-0b");

const CONNECT = "aws ssm start-session --target i-0f";
const healthy: AwsFindings = {
  stack: "aws-test",
  region: "us-east-1",
  now: NOW,
  schedule: null,
  machines: [FRONT, GPU, ARM],
  access: { mode: "ssm" },
  endpoint: "http://127.0.0.1:8080",
  connect: CONNECT,
  statuses: { health: 200, withoutKey: 401, withKey: 200 },
};

/** What is not well of a cluster that is healthy but for a change. */
const notWell = (change: Partial<AwsFindings>) =>
  judgeAws({ ...healthy, ...change }).filter(({ remedy }) => remedy !== null);

/** The one thing that is not well where the second machine is as given. */
function ofMachine(change: Partial<SeenMachine>, more: Partial<AwsFindings> = {}) {
  const [first, ...others] = notWell({ machines: [FRONT, { ...GPU, ...change }, ARM], ...more });
  expect(others, "one machine that is not well must be one line").toEqual([]);
  return first;
}

/** A machine in another state. */
const inState = (of: SeenMachine, state: string, reason = ""): SeenMachine => ({
  ...of,
  instance: of.instance === null ? null : { ...of.instance, state, reason },
});

describe("of the machines of a cluster on EC2, doctor", () => {
  test("finds nothing wrong with those that serve, and says since when", () => {
    const checks = judgeAws(healthy);
    expect(checks.every(({ remedy }) => remedy === null)).toBe(true);
    expect(checks.map(({ name, found }) => `${name}: ${found}`)).toEqual([
      "machine front: serving since 2026-11-28 16:45 UTC (c8g.xlarge, i-0f)",
      "machine gpu-machine-0: serving since 2026-11-28 16:45 UTC (c8g.xlarge, i-0a)",
      "machine arm-machine-0: serving since 2026-11-28 16:45 UTC (c8g.xlarge, i-0b)",
      "front: http://127.0.0.1:8080 is ready",
      "API key: required, and the stack's key is accepted",
    ]);
  });

  test("misses one that is not there or is being terminated, and sends to pulumi up", () => {
    const missing = {
      name: "machine gpu-machine-0",
      found: "does not exist (c8g.xlarge)",
      remedy: "npm run pulumi -- up --refresh -s aws-test",
    };
    expect(ofMachine({ instance: null, status: null })).toEqual(missing);
    expect(ofMachine(inState(GPU, "shutting-down"))).toEqual(missing);
  });

  test("repeats the reason of one that failed, and when it was", () => {
    const check = ofMachine({ status: wrote(2, "image", "failed", "no such digest: run pulumi up") });
    expect(check?.found).toBe("failed at image 2 min 00 s ago: no such digest: run pulumi up");
    const degraded = ofMachine({ status: wrote(2, "serving", "degraded", "front answers its health check no more") });
    expect(degraded?.found).toBe("degraded at serving 2 min 00 s ago: front answers its health check no more");
    expect(check?.remedy).toMatch(/tries again by itself.*get-console-output.*--region us-east-1 --instance-id i-0a$/);
  });

  test("tells where one is that starts, and which has not moved for long", () => {
    const soon = ofMachine({ status: wrote(1, "model", "running", "37.2 of 42.0 GiB") });
    expect(soon).toMatchObject({
      found: "is starting, at model 60 s ago: 37.2 of 42.0 GiB (c8g.xlarge, i-0a)",
      remedy: "run this again in a minute",
    });
    const late = ofMachine({ status: wrote(45, "backends", "running", "3 of 4") });
    expect(late?.remedy).toMatch(/has made no progress since.*get-console-output/);
    expect(ofMachine(inState(GPU, "pending"))?.found).toMatch(/^EC2 is starting it/);
  });

  test("reads the console of one that can't write its parameter", () => {
    const clock = wrote(3, "booted", "failed", "the clock is wrong by 900 s: reboot it");
    expect(ofMachine({ status: null, onConsole: clock })?.found).toBe(
      "failed at booted 3 min 00 s ago, on its console only, because it could not write its parameter: the clock is wrong by 900 s: reboot it",
    );
    const serves = wrote(3, "serving", "ready", "gpu-0 listens");
    expect(ofMachine({ status: null, onConsole: serves })?.found).toMatch(/can't write its parameter/);
  });

  test("says how long one has been silent", () => {
    expect(ofMachine({ status: null })).toMatchObject({
      found: "has reported nothing in the 90 min 00 s since its start (c8g.xlarge, i-0a)",
      remedy: expect.stringMatching(/^run this again in a minute; .*get-console-output/),
    });
  });

  test("starts all that are stopped by one command, once", () => {
    const stopped = [FRONT, GPU, ARM].map((one) => inState(one, "stopped", "Client.UserInitiatedShutdown"));
    const [front, gpu, arm, api] = notWell({ machines: stopped, statuses: { health: 0, withoutKey: 0, withKey: 0 } });
    expect(front).toEqual({
      name: "machine front",
      found: "stopped (c8g.xlarge, i-0f): Client.UserInitiatedShutdown",
      remedy: "start them: aws ec2 start-instances --region us-east-1 --instance-ids i-0f i-0a i-0b",
    });
    expect([gpu?.remedy, arm?.remedy]).toEqual(Array(2).fill("the command above starts it too"));
    expect(api, "who stopped the front knows why it does not answer").toMatchObject({
      remedy: "see the front's machine above",
    });
  });

  test("says which of its limits has stopped one", () => {
    const idle = wrote(
      10,
      "serving",
      "done",
      "stopped: nobody has used it for 60 minutes (limits.stopAfterIdleMinutes)",
    );
    const stopped = ofMachine({ ...inState(GPU, "stopped", "Client.InstanceInitiatedShutdown"), status: idle });
    expect(stopped).toMatchObject({
      found: "stopped (c8g.xlarge, i-0a), by itself: nobody has used it for 60 minutes (limits.stopAfterIdleMinutes)",
      remedy: "start it: aws ec2 start-instances --region us-east-1 --instance-ids i-0a",
    });
    const stopping = ofMachine({ status: idle });
    expect(stopping?.found).toMatch(/^stopping \(/);
    expect(stopping?.remedy).toMatch(/^once it has stopped, start it: /);
  });

  test("says when the schedule stops and starts one", () => {
    const schedule = {
      timeZone: "Europe/Berlin",
      startBackends: "cron(0 8 ? * MON,TUE *)",
      startFront: "cron(5 8 ? * MON,TUE *)",
      stopFront: "cron(30 18 ? * MON,TUE *)",
      stopBackends: "cron(31 18 ? * MON,TUE *)",
    };
    expect(ofMachine(inState(GPU, "stopped"), { schedule })?.found).toBe(
      "stopped (c8g.xlarge, i-0a); limits.schedule stops it at 18:30 on MON,TUE and starts it at 08:00 on MON,TUE (Europe/Berlin)",
    );
  });

  test("leaves a spot machine to EC2 that EC2 has taken back", () => {
    const reason = "Server.SpotInstanceStop: Spot instance stopped";
    const [gpu, arm] = notWell({ machines: [FRONT, inState(GPU, "stopped", reason), inState(ARM, "stopped")] });
    expect(gpu?.remedy).toBe("EC2 starts it again when it has capacity; market: on-demand avoids this");
    expect(arm?.remedy, "EC2 refuses to start what it has taken back").toMatch(/--instance-ids i-0b$/);
  });
});

describe("of the front of a cluster on EC2, doctor", () => {
  const silent = { health: 0, withoutKey: 0, withKey: 0 };
  const allowedCidrs = ["10.0.0.0/8", "192.0.2.0/24"];
  const PRIVATE = {
    access: { mode: "private" as const, allowedCidrs, privateLinkPrincipals: [] },
    endpoint: "http://internal:8080",
    connect: "",
  };
  const PUBLIC = {
    access: {
      mode: "public" as const,
      allowedCidrs,
      domain: "llm.example.com",
      hostedZone: "example.com",
      requestsPerFiveMinutes: null,
    },
    endpoint: "https://llm.example.com",
    connect: "",
  };

  test("says how to connect where no session is open, which is not wrong", () => {
    expect(notWell({ statuses: silent })).toEqual([
      {
        name: "front",
        found: "not checked, because nothing answers on http://127.0.0.1:8080: no session is open",
        remedy: `open the session in another terminal and run this again: ${CONNECT}`,
        isUnknown: true,
      },
    ]);
  });

  test("does not know of a private one that does not answer from here, and calls a silent public one wrong", () => {
    expect(notWell({ ...PRIVATE, statuses: silent })).toMatchObject([
      { name: "front", isUnknown: true, remedy: expect.stringContaining("10.0.0.0/8, 192.0.2.0/24") },
    ]);
    const [check] = notWell({ ...PUBLIC, statuses: silent });
    expect(check).toMatchObject({ found: "https://llm.example.com does not answer" });
    expect(check?.isUnknown).toBeUndefined();
  });

  test("takes whoever else listens on the session's port for another server", () => {
    const found = [
      { health: 404, withoutKey: 404, withKey: 0 },
      { health: 200, withoutKey: 200, withKey: 0 },
      { health: 200, withoutKey: 401, withKey: 401 },
    ].map((statuses) => notWell({ statuses }));
    expect(found.map((checks) => checks.map(({ remedy }) => remedy))).toEqual(
      Array(3).fill([expect.stringMatching(/^if another server listens on http:\/\/127\.0\.0\.1:8080, stop it/)]),
    );
  });

  test("calls one wrong that asks for no key or has another one", () => {
    const open = notWell({ ...PUBLIC, statuses: { health: 200, withoutKey: 200, withKey: 0 } });
    expect(open.map(({ found }) => found)).toEqual(["a request without the key gets status 200, not 401"]);
    const other = notWell({ ...PUBLIC, statuses: { health: 200, withoutKey: 401, withKey: 401 } });
    expect(other.map(({ found }) => found)).toEqual(["a request with the stack's key gets status 401"]);
  });

  test("sends to the machine of one that is not ready", () => {
    const loading = { ...FRONT, status: wrote(1, "loading", "running", "40 %") };
    const checks = notWell({ ...PUBLIC, machines: [loading, GPU, ARM], statuses: { ...silent, health: 503 } });
    expect(checks.map(({ name, remedy }) => `${name}: ${remedy}`)).toEqual([
      "machine front: run this again in a minute",
      "front: see its machine above",
    ]);
  });

  test("still looks at it where AWS can't be asked", () => {
    expect(judgeAws({ ...healthy, machines: null }).map(({ name }) => name)).toEqual(["front", "API key"]);
  });
});

test("everything that is not well ends with one line to do", () => {
  const worst = [
    ...notWell({
      machines: [{ ...FRONT, instance: null, status: null }, inState(GPU, "stopping"), { ...ARM, status: null }],
    }),
    ...notWell({ statuses: { health: 500, withoutKey: 0, withKey: 0 } }),
  ];
  expect(worst.length).toBeGreaterThan(3);
  for (const { name, remedy } of worst) expect(remedy, name).toMatch(/^[^\n]+$/);
});
