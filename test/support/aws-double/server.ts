/** The double of AWS that graph tests talk to: moto with the shared shim, on a free loopback port. */

import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { execa } from "execa";

/** The shim lies beside the checkout, as it is no part of the project. */
const SHIM = resolve(import.meta.dirname, "../../../../shared/test-doubles/moto_shim.py");
const START_MS = 60_000;

/** A running double. */
export interface AwsDouble {
  /** `http://127.0.0.1:<port>` */
  endpoint: string;
  /** What it has printed so far: each request with its status. */
  log: () => string;
  /** What it holds that somebody made, as paths: `ec2 us-east-1 vpcs/vpc-0123`. */
  holdings: () => Promise<string[]>;
  stop: () => Promise<void>;
}

/** Why there can be no double on this machine, or null. */
export async function noDouble(python = "python3"): Promise<string | null> {
  if (!existsSync(SHIM)) return "there is no ../shared/test-doubles/moto_shim.py beside the checkout";
  const probe = await execa(python, ["-c", "import flask, moto"], { reject: false });
  return probe.exitCode === 0 ? null : `${python} has no moto with its server (pip install 'moto[server]==5.2.1')`;
}

/** Starts a double and waits until it answers. */
export async function startDouble(python = "python3"): Promise<AwsDouble> {
  const port = await freePort();
  const process = execa(python, [join(import.meta.dirname, "serve.py"), SHIM, String(port)], {
    all: true,
    reject: false,
    maxBuffer: 64 * 1024 * 1024,
  });
  let text = "";
  let ended = false;
  process.then(() => {
    ended = true;
  });
  process.all.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + START_MS;
  while (!(await answers(`${endpoint}/moto-api/`))) {
    if (ended || Date.now() > deadline) throw new Error(`The double of AWS does not start:\n${text}`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
  return {
    endpoint,
    log: () => text,
    holdings: async () => (await (await fetch(`${endpoint}/moto-api/holdings`)).json()) as string[],
    stop: async () => {
      process.kill();
      await process;
    },
  };
}

async function answers(address: string): Promise<boolean> {
  try {
    return (await fetch(address)).ok;
  } catch {
    // Nobody listens yet.
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") throw new Error("The system gave no free port.");
  return address.port;
}
