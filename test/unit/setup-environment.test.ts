import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { chosenContext } from "../../setup/docker-context.ts";
import { pathsOf } from "../../setup/paths.ts";
import { stackIn } from "../../setup/pulumi/engine.ts";
import {
  addedVariables,
  backendOwner,
  heldBackLogin,
  ownBackendUrl,
  shellFile,
} from "../../setup/pulumi/environment.ts";
import { holdsResources } from "../../setup/pulumi/own-state.ts";
import { guardStackFiles, withoutSalt } from "../../setup/pulumi/salt.ts";
import { isAbandoned } from "../../setup/pulumi/state-locks.ts";

const paths = pathsOf("/project");
const facts = (variables: Record<string, string> = {}, credentials: string | null = null) => ({
  variables,
  credentials,
  ownClusterIsUp: false,
});
const LOGIN = '{"current":"https://api.pulumi.com"}';

describe("whose Pulumi backend is used", () => {
  test.each([
    ["nobody is logged in", facts(), "project"],
    ["a backend is in the environment", facts({ PULUMI_BACKEND_URL: "s3://states" }), "user"],
    [
      "our own backend is in the environment",
      facts({ PULUMI_BACKEND_URL: "file:///project/.pulumi-state" }),
      "project",
    ],
    ["an access token is in the environment", facts({ PULUMI_ACCESS_TOKEN: "pul-1" }), "user"],
    ["the credentials name a current backend", facts({}, '{"current":"https://api.pulumi.com"}'), "user"],
    ["the user has logged out", facts({}, '{"current":"","accessTokens":{}}'), "project"],
    ["the credentials file is broken", facts({}, "{"), "project"],
    ["somebody logs in while a cluster is up", { ...facts({}, LOGIN), ownClusterIsUp: true }, "project"],
    [
      "a backend is chosen for one command while a cluster is up",
      { ...facts({ PULUMI_BACKEND_URL: "s3://states" }), ownClusterIsUp: true },
      "user",
    ],
  ])("%s: %#", (_what, found, owner) => {
    expect(backendOwner(found, paths)).toBe(owner);
  });

  test("is said where a login does not count yet, and only there", () => {
    expect(heldBackLogin({ ...facts({}, LOGIN), ownClusterIsUp: true }, paths)).toMatch(
      /after that cluster is destroyed/,
    );
    expect(heldBackLogin(facts({}, LOGIN), paths)).toBeNull();
    expect(heldBackLogin({ ...facts(), ownClusterIsUp: true }, paths)).toBeNull();
  });

  test("is the project's for as long as its state names something real", () => {
    const state = (latest: unknown) => JSON.stringify({ version: 3, checkpoint: { stack: "local", latest } });
    expect(holdsResources(state({ resources: [{ type: "docker:index/network:Network" }] }))).toBe(true);
    expect(holdsResources(state({ pending_operations: [{}] }))).toBe(true);
    expect(holdsResources("{")).toBe(true);
    expect(holdsResources(state({ resources: [{ type: "pulumi:pulumi:Stack" }] }))).toBe(false);
    expect(holdsResources(state(null))).toBe(false);
  });

  test("has a URL that Pulumi reads back as the project's folder, whatever its name", () => {
    const url = ownBackendUrl(pathsOf("/100%41 sure?#1"));
    expect(url).toBe("file:///100%2541 sure%3F%231/.pulumi-state");
    expect(decodeURIComponent(new URL(url).pathname)).toBe("/100%41 sure?#1/.pulumi-state");
  });
});

describe("the environment of the commands", () => {
  test("keeps state, passphrase and Pulumi's home in the project where nobody is logged in", () => {
    expect(addedVariables(facts({ PATH: "/usr/bin" }), paths)).toMatchObject({
      PATH: "/project/node_modules/.bin:/project/.toolchain/bin:/usr/bin",
      PULUMI_BACKEND_URL: "file:///project/.pulumi-state",
      PULUMI_CONFIG_PASSPHRASE_FILE: "/project/.toolchain/passphrase",
      PULUMI_HOME: "/project/.toolchain/pulumi-home",
      PULUMI_SKIP_UPDATE_CHECK: "1",
      GOGC: "400",
    });
  });

  test("leaves everything of a user who is logged in, and offers the plugins built here last", () => {
    const added = addedVariables(facts({ PATH: "/usr/bin", PULUMI_ACCESS_TOKEN: "pul-1" }), paths);
    expect(Object.keys(added).sort()).toEqual(["GOGC", "NODE_COMPILE_CACHE", "PATH", "PULUMI_SKIP_UPDATE_CHECK"]);
    expect(added["PATH"]).toBe(
      "/project/node_modules/.bin:/project/.toolchain/bin:/usr/bin:/project/.toolchain/plugins",
    );
  });

  test("does not set a passphrase file beside the user's own passphrase", () => {
    const added = addedVariables(facts({ PULUMI_CONFIG_PASSPHRASE: "mine" }), paths);
    expect(added).not.toHaveProperty("PULUMI_CONFIG_PASSPHRASE_FILE");
  });

  test("is the same when it is added a second time", () => {
    const once = addedVariables(facts({ PATH: "/usr/bin" }), paths);
    expect(addedVariables(facts(once), paths)).toEqual(once);
  });

  test("is written for a shell with every value quoted", () => {
    const odd = pathsOf("/it's here");
    const text = shellFile(addedVariables(facts(), odd), odd);
    expect(text).toContain(`export PULUMI_HOME='/it'\\''s here/.toolchain/pulumi-home'`);
    expect(text).toContain(`:"$PATH"\n`);
  });

  test("is written for the shell of somebody who is logged in with the plugins built here", () => {
    const text = shellFile(addedVariables(facts({ PULUMI_ACCESS_TOKEN: "pul-1" }), paths), paths);
    expect(text).toContain(`:"$PATH":'/project/.toolchain/plugins'\n`);
  });
});

describe("the encryption salt in a stack file", () => {
  const file = "config:\n  llama-rpc-cluster:target: docker # here\n";
  test("is taken out where the file holds no secret", () => {
    expect(withoutSalt(`${file}encryptionsalt: v1:abc=:v1:def=\n`)).toBe(file);
    expect(withoutSalt(`encryptionsalt: v1:abc=:v1:def=\n${file}`)).toBe(file);
  });
  test("stays where a secret of the file needs it", () => {
    const secret = `encryptionsalt: v1:abc=\n${file}  llama-rpc-cluster:token:\n    secure: v1:xyz\n`;
    expect(withoutSalt(secret)).toBe(secret);
  });
  test("is no reason to touch a file without one", () => {
    expect(withoutSalt(file)).toBe(file);
  });
  test("is gone before Pulumi looks at the file: one of somebody else's would lock this user out", () => {
    const root = mkdtempSync(join(tmpdir(), "salt-"));
    const stack = join(root, "stacks", "Pulumi.local.yaml");
    mkdirSync(join(root, "stacks"));
    writeFileSync(stack, `${file}encryptionsalt: v1:abc=:v1:def=\n`);
    guardStackFiles(root);
    const left = readFileSync(stack, "utf8");
    rmSync(root, { recursive: true });
    expect(left).toBe(file);
  });
});

test.each([
  [["up", "-s", "local"], "local"],
  [["up", "--stack=local"], "local"],
  [["up", "--stack", "local", "--yes"], "local"],
  [["preview", "-slocal"], "local"],
  [["preview", "--skip-preview"], null],
  [["up", "--", "-s", "local"], null],
])("the stack of `pulumi %j` is %s", (args, stack) => {
  expect(stackIn(args)).toBe(stack);
});

test.each([
  [{}, null, null],
  [{}, '{"currentContext":"default"}', null],
  [{}, '{"currentContext":"desktop-linux"}', "desktop-linux"],
  [{ DOCKER_CONTEXT: "rootless" }, '{"currentContext":"desktop-linux"}', "rootless"],
  [{ DOCKER_HOST: "tcp://10.0.0.2:2376" }, '{"currentContext":"desktop-linux"}', null],
  [{}, "{", null],
])("the Docker context of %j with the CLI's configuration %j is %j", (variables, config, context) => {
  expect(chosenContext(variables, config)).toBe(context);
});

describe("a lock on the state", () => {
  const lock = JSON.stringify({ pid: 4711, hostname: "here" });
  test("is abandoned when its process of this machine is gone", () => {
    expect(isAbandoned(lock, "here", () => false)).toBe(true);
  });
  test("is left alone when its holder lives, is elsewhere, or has not finished writing", () => {
    expect(isAbandoned(lock, "here", () => true)).toBe(false);
    expect(isAbandoned(lock, "elsewhere", () => false)).toBe(false);
    expect(isAbandoned(lock.slice(0, 9), "here", () => false)).toBe(false);
  });
});
