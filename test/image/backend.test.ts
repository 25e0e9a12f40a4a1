import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Container, hardened, removeEverything, runToEnd, sleep } from "./containers.ts";
import { BUILD_TIMEOUT_MS, buildImages, images } from "./images.ts";

beforeAll(buildImages, BUILD_TIMEOUT_MS);
afterAll(removeEverything);

const image = images.backend;

/** Starts a backend, waits until it listens, returns the arguments of its program. */
async function argumentsOf(
  env: Record<string, string>,
  args: string[] = [],
  options: string[] = [],
): Promise<[Container, string[]]> {
  const container = await Container.start({ image, env, args, options });
  await container.logged(/transport\s+: TCP/);
  return [container, (await container.commandLine("ggml-rpc-server")).slice(1)];
}

describe("a backend's variables", () => {
  test("without any: every address, port 50052, the program's own threads and devices, no cache", async () => {
    const [, args] = await argumentsOf({});
    expect(args).toEqual(["--host", "0.0.0.0", "--port", "50052"]);
  });

  test("each one becomes one argument, and container arguments come last", async () => {
    const env = { APP_BIND: "127.0.0.1", APP_PORT: "6000", APP_THREADS: "1", APP_DEVICE: "CPU", APP_CACHE: "on" };
    const [container, args] = await argumentsOf(env, ["--threads", "2"]);
    const own = ["--host", "127.0.0.1", "--port", "6000", "--threads", "1", "--device", "CPU", "--cache"];
    expect(args).toEqual([...own, "--threads", "2"]);
    expect(await container.logs()).toMatch(/local cache\s+: \/cache\/rpc/);
  });

  test("the mode is understood in any case of letters", async () => {
    const [, args] = await argumentsOf({ APP_MODE: "Backend" });
    expect(args).toContain("--host");
  });

  test("threads follow the container's CPU quota, which the program itself does not see", async () => {
    const [, args] = await argumentsOf({}, [], ["--cpus", "1"]);
    expect(args).toEqual(["--host", "0.0.0.0", "--port", "50052", "--threads", "1"]);
  });

  test("APP_MEM bounds the program's memory and is told in the log", async () => {
    const [container] = await argumentsOf({ APP_MEM: "100" });
    expect(await container.logs()).toMatch(/memory: at most APP_MEM=100 MiB/);
    const script = "for f in /proc/[0-9]*; do grep -q ggml-rpc-serv $f/comm && cat $f/limits; done; true";
    const limits = await container.exec("bash", "-c", script);
    expect(limits.output, "100 MiB and 64 MiB for the program itself").toMatch(/Max data size\s+171966464/);
  });

  test("APP_MEM as large as the container's limit stays below it, so that an allocation fails and nothing is killed", async () => {
    const [container] = await argumentsOf({ APP_MEM: "100" }, [], ["--memory", "100m", "--memory-swap", "100m"]);
    expect(await container.logs()).toMatch(/76 MiB with the program itself, by this container's limit of 100 MiB/);
    const script = "for f in /proc/[0-9]*; do grep -q ggml-rpc-serv $f/comm && cat $f/limits; done; true";
    const limits = await container.exec("bash", "-c", script);
    expect(limits.output, "100 MiB less 24 for what the bound does not count").toMatch(/Max data size\s+79691776/);
  });

  test("a variable that this image does not know is told, not obeyed", async () => {
    const [container] = await argumentsOf({ APP_RPC_BACKEND: "a:1" });
    expect(await container.logs()).toMatch(/APP_RPC_BACKEND is no variable of this image and has no effect/);
  });
});

describe("how a backend ends", () => {
  test("`docker stop` takes under two seconds and is no failure", async () => {
    const [container] = await argumentsOf({});
    const ended = await container.stop();
    expect(ended.milliseconds).toBeLessThan(2000);
    expect(ended.exitCode, ended.output).toBe(0);
  });

  test.each([
    ["an unknown option", ["--mem", "1024"], /unknown argument: --mem/],
    ["an unknown device", ["--device", "CUDA7"], /unknown device: CUDA7/],
    ["an address of another machine", ["--host", "10.255.255.1"], /Failed to create server socket/],
  ])("%s is a failure, although the program itself may say 0", async (_name, args, reason) => {
    const ended = await runToEnd({ image, args });
    expect(ended.output).toMatch(reason);
    expect(ended.output).toMatch(/ggml-rpc-server ended by itself with status \d+; its reason is above/);
    expect(ended.exitCode).not.toBe(0);
  });

  test("`--help` is an answer and no failure", async () => {
    const ended = await runToEnd({ image, args: ["--help"] });
    expect(ended.output).toMatch(/--cache/);
    expect(ended.exitCode).toBe(0);
  });
});

describe("strangers at a backend", () => {
  test("a client that says HELLO and leaves before the answer does not end it", async () => {
    const [container] = await argumentsOf({});
    const address = await container.address();
    for (let i = 0; i < 20; i++) await helloAndLeave(address);
    await sleep(500);
    expect(await container.running(), await container.logs()).toBe(true);
    expect(await container.logs(), "the test has met the case").toMatch(/send failed/);
  });

  test("a connection that closes without a word does not end it", async () => {
    const [container] = await argumentsOf({});
    const address = await container.address();
    for (let i = 0; i < 20; i++) await knock(address);
    await sleep(300);
    expect(await container.running(), await container.logs()).toBe(true);
  });
});

describe("a hardened backend", () => {
  test("runs with a read-only root, no capabilities and a volume for its cache", async () => {
    const env = { APP_CACHE: "true" };
    const [container] = await argumentsOf(env, [], [...hardened, "--volume", "/cache"]);
    expect((await container.exec("test", "-d", "/cache/rpc")).exitCode).toBe(0);
    expect((await container.exec("touch", "/app/x")).exitCode, "the root file system is read-only").not.toBe(0);
  });

  test("needs no place to write at all", async () => {
    const [container] = await argumentsOf({}, [], ["--read-only", "--cap-drop", "ALL"]);
    expect((await container.exec("/app/healthcheck.sh")).exitCode).toBe(0);
  });

  test("is healthy when it listens, and the check makes no connection", async () => {
    const [container] = await argumentsOf({});
    const check = await container.exec("/app/healthcheck.sh");
    expect(check.output).toBe("listening on port 50052");
    expect(check.exitCode).toBe(0);
    expect(await container.logs(), "every connection is logged").not.toMatch(/Accepted client connection/);
  });
});

test("mode none idles, is healthy, and stops in under two seconds", async () => {
  const container = await Container.start({ image, env: { APP_MODE: "none" } });
  await container.logged(/APP_MODE=none: idle/);
  expect((await container.exec("/app/healthcheck.sh")).exitCode).toBe(0);
  const ended = await container.stop();
  expect(ended.milliseconds).toBeLessThan(2000);
  expect(ended.exitCode).toBe(0);
});

/** A HELLO of RPC protocol 4 and later (1 byte command 14, 8 bytes size, 24 bytes of capabilities), then the end. */
function helloAndLeave(address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(50052, address, () => {
      const hello = Buffer.alloc(33);
      hello.writeUInt8(14, 0);
      hello.writeBigUInt64LE(24n, 1);
      socket.write(hello, () => socket.destroy());
    });
    socket.on("close", () => resolve());
    socket.on("error", reject);
  });
}

function knock(address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(50052, address, () => socket.end());
    socket.on("close", () => resolve());
    socket.on("error", reject);
  });
}
