import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { removeEverything, runToEnd } from "./containers.ts";
import { BUILD_TIMEOUT_MS, buildImages, images, type Role } from "./images.ts";

beforeAll(buildImages, BUILD_TIMEOUT_MS);
afterAll(removeEverything);

/** A bad value, and what its one sentence has to name: variable and value, rule, remedy. */
interface Refusal {
  role: Role;
  env: Record<string, string>;
  args?: string[];
  says: RegExp;
}

const server = { APP_RPC_BACKENDS: "", APP_MODEL: "/etc/hostname" };

const refusals: Record<string, Refusal> = {
  "a mode that does not exist": {
    role: "server",
    env: { APP_MODE: "client" },
    says: /APP_MODE='client': not a mode; set it to backend, server or none/,
  },
  "server mode in the image that has no llama-server": {
    role: "backend",
    env: { APP_MODE: "server" },
    says: /APP_MODE='server': this image holds the RPC server alone; use the image of the role 'server'/,
  },
  "a host name as a backend's address": {
    role: "backend",
    env: { APP_BIND: "localhost" },
    says: /APP_BIND='localhost': .*IPv4 address only.*set APP_BIND=0\.0\.0\.0/,
  },
  "an IPv6 address as a backend's address": {
    role: "backend",
    env: { APP_BIND: "::" },
    says: /APP_BIND='::': .*IPv4 address only/,
  },
  "an address with a number above 255": {
    role: "backend",
    env: { APP_BIND: "10.0.0.256" },
    says: /APP_BIND='10\.0\.0\.256'/,
  },
  "a port above 65535": {
    role: "backend",
    env: { APP_PORT: "65536" },
    says: /APP_PORT='65536': a port is a whole number from 1 to 65535; set APP_PORT=50052/,
  },
  "port 0": { role: "backend", env: { APP_PORT: "0" }, says: /APP_PORT='0'/ },
  "flags hidden in the port": {
    role: "backend",
    env: { APP_PORT: "50052 --device CPU" },
    says: /APP_PORT='50052 --device CPU'/,
  },
  "a command hidden in the port": {
    role: "backend",
    env: { APP_PORT: "$(touch /tmp/pwned)" },
    says: /APP_PORT='\$\(touch \/tmp\/pwned\)'/,
  },
  "an array subscript with a command hidden in a number": {
    role: "backend",
    env: { APP_THREADS: "a[$(id >&2)]" },
    says: /APP_THREADS='a\[\$\(id >&2\)\]': a number of threads/,
  },
  "no threads": { role: "backend", env: { APP_THREADS: "0" }, says: /APP_THREADS='0': .*from 1 to 1024/ },
  "a device list with a space": {
    role: "backend",
    env: { APP_DEVICE: "CPU --port 1" },
    says: /APP_DEVICE='CPU --port 1': a comma list of device names/,
  },
  "memory with a unit": { role: "backend", env: { APP_MEM: "2G" }, says: /APP_MEM='2G': memory in MiB/ },
  "a switch that is neither on nor off": {
    role: "backend",
    env: { APP_CACHE: "maybe" },
    says: /APP_CACHE='maybe': a switch; set it to true or false/,
  },
  "a backend without a port": {
    role: "server",
    env: { ...server, APP_RPC_BACKENDS: "10.0.0.2" },
    says: /APP_RPC_BACKENDS='10\.0\.0\.2': '10\.0\.0\.2' is no backend; write name:port/,
  },
  "flags hidden in the list of backends": {
    role: "server",
    env: { ...server, APP_RPC_BACKENDS: "a:1 --gpu-layers 0" },
    says: /APP_RPC_BACKENDS='a:1 --gpu-layers 0'/,
  },
  "an empty entry in the list of backends": {
    role: "server",
    env: { ...server, APP_RPC_BACKENDS: "a:1,,b:2" },
    says: /'' is no backend/,
  },
  "an IPv6 backend": {
    role: "server",
    env: { ...server, APP_RPC_BACKENDS: "[fd00::1]:50052" },
    says: /'\[fd00::1\]:50052' is no backend/,
  },
  "a backend with a port that can't be": {
    role: "server",
    env: { ...server, APP_RPC_BACKENDS: "a:99999" },
    says: /'a:99999' is no backend/,
  },
  "a backend that is named twice": {
    role: "server",
    env: { ...server, APP_RPC_BACKENDS: "a:1,A:1" },
    says: /'A:1' is there twice, and a backend serves one client/,
  },
  "a backend's address that is none": {
    role: "server",
    env: { ...server, APP_RPC_BACKENDS: "10.0.0:50052" },
    says: /'10\.0\.0' is no IPv4 address/,
  },
  "a model that is not there": {
    role: "server",
    env: { ...server, APP_MODEL: "/models/my model.gguf" },
    says: /APP_MODEL='\/models\/my model\.gguf': no such file.*mount the folder/,
  },
  "a model that is a folder": {
    role: "server",
    env: { ...server, APP_MODEL: "/models" },
    says: /APP_MODEL='\/models': not a file that uid 10001 can read/,
  },
  "a model that is no GGUF file": {
    role: "server",
    env: { ...server, APP_MODEL: "/etc/passwd" },
    says: /APP_MODEL='\/etc\/passwd': not a GGUF file/,
  },
  "layers in words": {
    role: "server",
    env: { ...server, APP_GPU_LAYERS: "most" },
    says: /APP_GPU_LAYERS='most': a whole number from 0 to 9999, auto or all/,
  },
  "backends and no layer for them": {
    role: "server",
    env: { ...server, APP_RPC_BACKENDS: "a:1", APP_GPU_LAYERS: "0" },
    says: /APP_GPU_LAYERS='0': no layer would go to the 1 backends/,
  },
  "a penalty in words": {
    role: "server",
    env: { ...server, APP_REPEAT_PENALTY: "high" },
    says: /APP_REPEAT_PENALTY='high': a number such as 1\.1/,
  },
  "an endless wait": {
    role: "server",
    env: { ...server, APP_WAIT_SECONDS: "-1" },
    says: /APP_WAIT_SECONDS='-1': whole seconds from 0 to 86400/,
  },
  "an address with a space": {
    role: "server",
    env: { ...server, APP_BIND: "0.0.0.0 --api-key x" },
    says: /APP_BIND='0\.0\.0\.0 --api-key x'/,
  },
  "an argument that is no program": {
    role: "server",
    env: {},
    args: ["llama-sever"],
    says: /Argument 'llama-sever': neither an option .* nor a program/,
  },
};

describe("refused with one sentence and status 64:", () => {
  test.each(Object.entries(refusals))("%s", async (_name, { role, env, args, says }) => {
    const ended = await runToEnd({ image: images[role], env, args: args ?? [] });
    const refused = ended.output.split("\n").filter((line) => line.startsWith("[entrypoint] refused:"));
    expect(refused.join("\n"), ended.output).toMatch(says);
    expect(
      refused.filter((line) => says.test(line)),
      "one sentence for one mistake",
    ).toHaveLength(1);
    expect(ended.output, "no message of bash itself").not.toMatch(/line \d+:/);
    expect(ended.exitCode).toBe(64);
  });
});

const cluster = { APP_RPC_BACKENDS: "a:1", APP_MODEL: "", LLAMA_ARG_MODEL: "/models/any.gguf" };

describe("what would hide the proof that every backend is used is refused:", () => {
  test.each<[string, string[], Record<string, string>, RegExp]>([
    ["no log", ["--log-disable"], {}, /Argument '--log-disable': the proof .* is read from the log; remove it/],
    ["no log, spelled otherwise", ["--log_disable"], {}, /Argument '--log-disable'/],
    ["a log file", ["--log-file", "/tmp/log"], {}, /Argument '--log-file' or variable .* 'docker logs'/],
    ["a log file by variable", [], { LLAMA_ARG_LOG_FILE: "/tmp/log" }, /variable LLAMA_ARG_LOG_FILE/],
    ["backends past the list", ["--rpc", "b:2"], {}, /Argument '--rpc': .*set APP_RPC_BACKENDS/],
  ])("%s", async (_name, args, env, says) => {
    const ended = await runToEnd({ image: images.server, env: { ...cluster, ...env }, args });
    expect(ended.output).toMatch(says);
    expect(ended.output.match(/refused:/g), ended.output).toHaveLength(1);
    expect(ended.exitCode).toBe(64);
  });

  test("no place to keep it", async () => {
    const ended = await runToEnd({ image: images.server, env: cluster, options: ["--read-only"] });
    expect(ended.output).toMatch(/\/tmp can't be written by uid 10001: .*mount a tmpfs with --tmpfs \/tmp/);
    expect(ended.exitCode).toBe(64);
  });
});

test("every wrong value is told at once", async () => {
  const env = { APP_PORT: "x", APP_THREADS: "y", APP_GPU_LAYERS: "z", APP_RPC_BACKENDS: "q", APP_MODEL: "/none" };
  const ended = await runToEnd({ image: images.server, env });
  const variables = [...ended.output.matchAll(/refused: (APP_[A-Z_]+)=/g)].map((match) => match[1]).sort();
  expect(variables, ended.output).toEqual(Object.keys(env).sort());
});

test("memory beyond the container's limit is refused", async () => {
  const start = { image: images.backend, env: { APP_MEM: "512" }, options: ["--memory", "256m"] };
  const ended = await runToEnd(start);
  expect(ended.output).toMatch(/APP_MEM='512': more MiB than this container's memory limit of 256; lower APP_MEM/);
  expect(ended.exitCode).toBe(64);
});

test("a cache that can't be written is refused", async () => {
  const ended = await runToEnd({ image: images.backend, env: { APP_CACHE: "true" }, options: ["--read-only"] });
  expect(ended.output).toMatch(/APP_CACHE='true': '\/cache' can't be written by uid 10001; mount a volume/);
  expect(ended.exitCode).toBe(64);
});
