import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { freePort } from "./engine-stack.ts";

/** The only account of a registry with a login. */
export const LOGIN = { username: "builder", password: "only-for-tests" } as const;

/** The account as htpasswd writes it. */
const HTPASSWD = `${LOGIN.username}:$2b$04$/drAhkvjmq8sobFhLdCr3enNAKtJ1KnhT8g0dA0/NGByOCEgunILS\n`;

/** The account as HTTP writes it. */
const BASIC = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString("base64");

const READY_MS = 20_000;

/** A container registry on the loopback address, where the engine takes plain HTTP. Disposing stops and empties it. */
export interface LocalRegistry extends AsyncDisposable {
  /** Host and port. */
  address: string;
  /** Digest under which the registry has a tag or a digest of a repository; null if it has none. */
  digestOf(repository: string, reference: string): Promise<string | null>;
  /** Tags of a repository, in order. */
  tagsOf(repository: string): Promise<string[]>;
}

/** How a registry is started. */
export interface RegistryOptions {
  /** Whether nothing is given to who does not sign in as `LOGIN`. @default false */
  login?: boolean;
  /** @default one that is free */
  port?: number;
}

/**
 * Starts a registry.
 * @param program `registry` of `ensureAwsTestTools`
 */
export async function localRegistry(program: string, options: RegistryOptions = {}): Promise<LocalRegistry> {
  const folder = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-registry-"));
  const address = `127.0.0.1:${options.port ?? (await freePort())}`;
  writeFileSync(join(folder, "htpasswd"), HTPASSWD);
  const settings = {
    version: "0.1",
    log: { level: "error" },
    storage: { filesystem: { rootdirectory: join(folder, "images") } },
    http: { addr: address },
    ...(options.login ? { auth: { htpasswd: { realm: "tests", path: join(folder, "htpasswd") } } } : {}),
  };
  // YAML reads JSON.
  writeFileSync(join(folder, "config.yml"), JSON.stringify(settings));
  const child = execa(program, ["serve", join(folder, "config.yml")], { reject: false, all: true, stdin: "ignore" });
  let ended = false;
  child.finally(() => {
    ended = true;
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await child;
    rmSync(folder, { recursive: true, force: true });
  };
  const headers = options.login ? { authorization: `Basic ${BASIC}` } : {};
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`http://${address}/v2/${path}`, { ...init, headers: { ...headers, ...init.headers } });
  for (const end = Date.now() + READY_MS; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const answer = await ask("").catch(() => null);
    if (answer?.ok) break;
    if (ended || Date.now() > end) {
      await stop();
      throw new Error(`The registry on ${address} does not answer; ${program} said:\n${(await child).all}`);
    }
  }
  return {
    address,
    async digestOf(repository, reference) {
      const answer = await ask(`${repository}/manifests/${reference}`, {
        method: "HEAD",
        headers: { accept: MANIFESTS },
      });
      return answer.ok ? answer.headers.get("docker-content-digest") : null;
    },
    async tagsOf(repository) {
      const answer = await ask(`${repository}/tags/list`);
      if (!answer.ok) return [];
      const { tags } = (await answer.json()) as { tags: string[] | null };
      return (tags ?? []).sort();
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** Kinds of manifests that a build may push. */
const MANIFESTS = [
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
].join(", ");

/** Pulls an image as `LOGIN`, whose password goes neither to a command line nor into the user's own settings. */
export async function pull(
  { address }: LocalRegistry,
  reference: string,
  options: readonly string[] = [],
): Promise<void> {
  const settings = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-login-"));
  try {
    writeFileSync(join(settings, "config.json"), JSON.stringify({ auths: { [address]: { auth: BASIC } } }));
    await execa("docker", ["--config", settings, "pull", "--quiet", ...options, reference]);
  } finally {
    rmSync(settings, { recursive: true, force: true });
  }
}
