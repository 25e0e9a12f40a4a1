/** A small network of kernel namespaces: a front, backends and a relay between them. Its addresses exist only there. */

import { execa } from "execa";

const PREFIX = "llama-rpc-bench";
const ROUTER = `${PREFIX}-relay`;

/** A network that exists. */
export interface TestNetwork {
  front: string;
  relay: string;
  backends: string[];
  /** Addresses of the front and of the relay on the link for one backend. */
  frontLink(index: number): { front: string; relay: string };
  backendLink(index: number): { relay: string; backend: string };
  /** Devices for the traffic between front and relay, `[namespace, device]`; one end of each link. */
  ends: [namespace: string, device: string][];
  remove(): Promise<void>;
}

const ip = (...args: string[]) => execa("ip", args);

/** Creates the network: the front and each backend have a link to the relay, which forwards packets. Needs root. */
export async function makeNetwork(backends: number): Promise<TestNetwork> {
  const names = Array.from({ length: backends }, (_, index) => `${PREFIX}-${index}`);
  const front = `${PREFIX}-front`;
  const all = [front, ROUTER, ...names];
  const remove = async () => {
    for (const name of all) await execa("ip", ["netns", "delete", name], { reject: false });
  };
  await remove();
  for (const name of all) {
    await ip("netns", "add", name);
    await ip("-n", name, "link", "set", "lo", "up");
  }
  const members = [front, ...names];
  for (const [index, member] of members.entries()) {
    await ip("-n", ROUTER, "link", "add", `m${index}`, "type", "veth", "peer", "name", "up0", "netns", member);
    for (const [namespace, device, host] of [
      [ROUTER, `m${index}`, 1],
      [member, "up0", 2],
    ] as const) {
      await ip("-n", namespace, "address", "add", `10.99.${index}.${host}/24`, "dev", device);
      await ip("-n", namespace, "link", "set", device, "up");
    }
    await ip("-n", member, "route", "add", "default", "via", `10.99.${index}.1`);
  }
  await execa("ip", ["netns", "exec", ROUTER, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1"]);
  return {
    front,
    relay: ROUTER,
    backends: names,
    frontLink: () => ({ front: "10.99.0.2", relay: "10.99.0.1" }),
    backendLink: (index) => ({ relay: `10.99.${index + 1}.1`, backend: `10.99.${index + 1}.2` }),
    ends: [
      [ROUTER, "m0"],
      [front, "up0"],
    ],
    remove,
  };
}

/** Adds a delay in both directions in the kernel. Returns false if the kernel has no `netem`. */
export async function delayInKernel({ ends }: TestNetwork, delayMs: number): Promise<boolean> {
  for (const [namespace, device] of ends) {
    const tc = ["-n", namespace, "qdisc", "replace", "dev", device, "root", "netem", "delay", `${delayMs}ms`];
    const done = await execa("tc", [...tc, "limit", "100000"], { reject: false });
    if (done.exitCode !== 0) return false;
  }
  return true;
}
