import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type FollowArgs, followBoot } from "../../aws/follow/boot.ts";
import type { BootMachine } from "../../aws/follow/machines.ts";
import { type AwsDouble, noDouble, startDouble } from "../support/aws-double/server.ts";
import { ensureAwsTestTools } from "../support/test-tools.ts";
import { Players } from "./support/boot-players.ts";
import { type FrontOfDouble, frontOfDouble } from "./support/front-of-double.ts";

const REGION = "us-east-1";

let double: AwsDouble | null = null;
let reason: string | null = null;
let gate: FrontOfDouble;
let players: Players;
let stacks = 0;
/** What was shown and stays, and what was shown for a moment. */
let said: string[];
let passing: string[];

beforeAll(async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  const { python } = await ensureAwsTestTools(process.cwd());
  reason = await noDouble(python ?? undefined);
  if (reason !== null) return;
  double = await startDouble(python ?? undefined);
  gate = await frontOfDouble(double.endpoint);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  if (double === null) return;
  await gate.close();
  await double.stop();
});

beforeEach((context) => {
  if (reason !== null || double === null) return context.skip(reason ?? "no double");
  gate.intervene = () => undefined;
  gate.seen = [];
  players = new Players(double.endpoint, `s${stacks++}`);
  [said, passing] = [[], []];
  return () => players.close();
});

const follow = (front: BootMachine, backends: BootMachine[], more: Partial<FollowArgs> = {}) =>
  followBoot({
    connection: { region: REGION, endpoint: gate.endpoint },
    front,
    backends,
    timeoutSeconds: 120,
    pollSeconds: 0.1,
    say: (line) => (line.passing ? passing : said).push(line.text.replace(/^(\d+ min )?\d+ s: /, "")),
    ...more,
  });

/** Waits until a line was shown. */
const shown = (text: string) => vi.waitFor(() => expect([...said, ...passing]).toContain(text), 60_000);

test("a start is told in a few lines, one for each change, and ends when the front has answered", async () => {
  const [front, ...backends] = [
    await players.launch("front"),
    await players.launch("gpu-1"),
    await players.launch("gpu-2"),
  ];
  const following = follow(front, backends);
  for (const machine of [front, ...backends]) await players.write(machine, "booted", "done", "");
  await shown("machines booted 3 of 3");
  for (const machine of backends) await players.write(machine, "image", "done", "");
  await shown("images pulled 2 of 3");
  await players.write(front, "image", "done", "");
  await shown("images pulled 3 of 3");
  for (const machine of backends) await players.write(machine, "serving", "ready", "");
  await shown("backends 2 of 2");
  for (const part of ["10.0", "37.2"]) {
    await players.write(front, "model", "running", `${part} of 42.0 GiB`);
    await shown(`model ${part} of 42.0 GiB`);
  }
  await players.write(front, "loading", "running", "copying the weights to the devices");
  await shown("front: loading the model into the backends");
  await players.write(front, "serving", "ready", "answered a generation");
  await following;
  expect(said.at(-1)).toMatch(/^ready after /);
  expect(said).toContain("model is complete");
  expect(said, "nothing is said twice").toEqual([...new Set(said)]);
  expect(passing).toEqual(expect.arrayContaining(["model 10.0 of 42.0 GiB", "model 37.2 of 42.0 GiB"]));
});

test("more than ten machines are asked for ten at a time", async () => {
  const front = await players.launch("front");
  const backends = await Promise.all(Array.from({ length: 11 }, (_, n) => players.launch(`cpu-${n}`)));
  await players.write(front, "serving", "ready", "");
  await follow(front, backends);
  const asked = gate.seen
    .filter(({ target }) => target === "AmazonSSM.GetParameters")
    .map(({ body }) => JSON.parse(body.toString("utf8")).Names.length);
  expect(asked.slice(0, 2)).toEqual([10, 2]);
});

test("a machine that fails ends the following at once, with its reason", async () => {
  const [front, backend] = [await players.launch("front"), await players.launch("gpu-1")];
  const following = follow(front, [backend]);
  await players.write(backend, "booted", "running", "try 1");
  await players.write(front, "booted", "done", "");
  await shown("machines booted 1 of 2");
  await players.write(backend, "image", "failed", "no such digest: push the image again");
  await expect(following).rejects.toThrow(
    `The cluster did not start: gpu-1 (${backend.instanceId}) failed at image: no such digest: push the image again. It tries again by itself; \`pulumi up\` follows it again.`,
  );
});

test("a failure of before this run waits for the machine's next try", async () => {
  const [front, backend] = [await players.launch("front"), await players.launch("gpu-1")];
  await players.write(backend, "image", "failed", "the registry is away");
  const following = follow(front, [backend]);
  await shown(`gpu-1 (${backend.instanceId}) had failed at image: the registry is away. Waiting for its next try.`);
  await players.write(backend, "serving", "ready", "");
  await players.write(front, "serving", "ready", "");
  await following;

  // The same failure, written again, is one of now. The line's seconds tell, so the clock must move on.
  await players.write(backend, "image", "failed", "the registry is away");
  said = [];
  const again = follow(await players.launch("front"), [backend]);
  await vi.waitFor(() => expect(said.some((line) => line.includes("Waiting for its next try"))).toBe(true), 60_000);
  await new Promise((wake) => setTimeout(wake, 1100));
  await players.write(backend, "image", "failed", "the registry is away");
  await expect(again).rejects.toThrow("failed at image: the registry is away.");
});

test("what an earlier machine wrote counts neither for its successor nor for the front of a new backend", async () => {
  const [front, backend] = [await players.launch("front"), await players.launch("gpu-1")];
  await players.write(front, "serving", "ready", "");
  await players.write(backend, "serving", "ready", "");
  // EC2 knows the second of a launch.
  await new Promise((wake) => setTimeout(wake, 1100));
  const replaced = { ...backend, instanceId: await players.instance() };
  const following = follow(front, [replaced]);
  let ended = false;
  void following.finally(() => {
    ended = true;
  });
  await vi.waitFor(
    () => expect(gate.seen.filter(({ target }) => target.endsWith("GetParameters")).length).toBeGreaterThan(3),
    60_000,
  );
  expect([ended, said]).toEqual([false, []]);
  await players.write(replaced, "serving", "ready", "");
  await shown("backends 1 of 1");
  expect(ended).toBe(false);
  await players.write(front, "serving", "ready", "front is healthy again");
  await following;
});

test("a front that answers no health check while a backend is exchanged is waited for", async () => {
  const node = readFileSync("components/aws/boot/node.sh", "utf8");
  const [, text] = /report serving degraded "\$name (.*)"/.exec(node) ?? [];
  expect(text, "node.sh reports this by another state").toBeDefined();
  const front = await players.launch("front");
  const following = follow(front, []);
  await players.write(front, "serving", "running", "starting front");
  await shown("front: asking for a first generation");
  await players.write(front, "serving", "degraded", `front ${text}`);
  await shown(`front: asking for a first generation, front ${text}`);
  await players.write(front, "serving", "ready", "front is healthy again");
  await following;
});

test("a machine that is gone ends the following, with its last words", async () => {
  const [front, backend] = [await players.launch("front"), await players.launch("gpu-1")];
  await players.write(backend, "image", "running", "pulling");
  await players.terminate(backend);
  await expect(follow(front, [backend])).rejects.toThrow(
    new RegExp(
      `gpu-1 \\(${backend.instanceId}\\) is (shutting-down|terminated).*\\. Its last status: image: pulling\\.$`,
    ),
  );
});

test("after the bound every unfinished machine's last words are told, and where to look", async () => {
  const [front, backend, done] = [
    await players.launch("front"),
    await players.launch("gpu-1"),
    await players.launch("gpu-2"),
  ];
  await players.write(front, "backends", "running", "1 of 2");
  await players.write(done, "serving", "ready", "");
  const look = (machine: BootMachine) =>
    `aws ec2 get-console-output --latest --output text --region us-east-1 --instance-id ${machine.instanceId}`;
  const message = await follow(front, [backend, done], { timeoutSeconds: 1 }).then(
    () => "",
    (error: Error) => error.message,
  );
  const [first, ...lines] = message.split("\n");
  expect(first).toBe("The front has not answered within 1 s.");
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^ {2}front \(i-\w+\) reported .* ago: backends: 1 of 2\. More: /);
  expect(lines[0]).toContain(look(front));
  expect(lines[1]).toBe(`  gpu-1 (${backend.instanceId}) has written nothing to its parameter. More: ${look(backend)}`);
});

test("a machine that can't reach SSM is heard through its console", async () => {
  const [front, backend] = [await players.launch("front"), await players.launch("gpu-1")];
  await players.write(front, "backends", "running", "0 of 1");
  const line = "1790000000 booted failed the clock is 3 hours behind: set it (not written to /status: RequestExpired)";
  const output = Buffer.from(`[  12.3] booting\r\nllama-rpc-cluster gpu-1: ${line}\r\n`).toString("base64");
  gate.intervene = (seen, response) => {
    if (!seen.body.includes("Action=GetConsoleOutput")) return undefined;
    response
      .writeHead(200, { "content-type": "text/xml" })
      .end(
        `<GetConsoleOutputResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><output>${output}</output></GetConsoleOutputResponse>`,
      );
    return "handled";
  };
  await expect(follow(front, [backend], { consoleSeconds: 0.5 })).rejects.toThrow(
    `gpu-1 (${backend.instanceId}) failed at booted: the clock is 3 hours behind: set it`,
  );
});

test("AWS that asks for patience gets it, and the start is followed to its end", async () => {
  const front = await players.launch("front");
  let refused = 0;
  gate.intervene = (seen, response) => {
    // As often as the SDK itself tries, and once more.
    if (seen.target !== "AmazonSSM.GetParameters" || ++refused > 7) return undefined;
    response
      .writeHead(400, { "content-type": "application/x-amz-json-1.1" })
      .end(JSON.stringify({ __type: "ThrottlingException", message: "Rate exceeded" }));
    return "handled";
  };
  await players.write(front, "serving", "ready", "");
  await follow(front, []);
  expect(said[0]).toContain("ThrottlingException: Rate exceeded");
  expect(said.at(-1)).toMatch(/^ready after /);
});

test("who may not ask is told what it takes, and that the start goes on", async () => {
  const front = await players.launch("front");
  gate.intervene = (seen, response) => {
    if (seen.target !== "AmazonSSM.GetParameters") return undefined;
    response
      .writeHead(400, { "content-type": "application/x-amz-json-1.1" })
      .end(JSON.stringify({ __type: "AccessDeniedException", message: "not you" }));
    return "handled";
  };
  await expect(follow(front, [])).rejects.toThrow(
    /^The start can't be followed: AWS refuses access \(AccessDeniedException: .*\): the credentials need ssm:GetParameters .*\. The machines keep starting; `pulumi up` follows them again\.$/,
  );
});

test("a following that is stopped says that the machines go on", async () => {
  const stop = new AbortController();
  const following = follow(await players.launch("front"), [], { signal: stop.signal });
  setTimeout(() => stop.abort(), 500);
  await expect(following).rejects.toThrow(
    "Stopped following the start. The machines keep starting; `pulumi up` follows them again.",
  );
});
