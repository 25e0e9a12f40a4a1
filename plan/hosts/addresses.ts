/** Addresses in the private network. All of them are known at plan time. */

import { FIRST_BACKEND_OFFSET } from "../../config/bounds.ts";
import { addressAt, type Network, networkOf, overlaps } from "../../config/cidr.ts";

const FRONT_OFFSET = FIRST_BACKEND_OFFSET - 1;

/** Networks in 10.0.0.0/8 that other software often uses. */
const AVOIDED: readonly Network[] = [
  "10.0.0.0/16", // home routers, cloud defaults, Docker Swarm
  "10.1.0.0/16", // Docker and MicroK8s defaults
  "10.42.0.0/15", // k3s pods and services
  "10.88.0.0/16", // Podman
  "10.96.0.0/12", // kubeadm services
  "10.128.0.0/9", // Google Cloud's default networks
].map(networkOf);

/** More than enough to find a gap, if there is one. */
const MOST_ATTEMPTS = 1000;

/** The private network of the cluster: that of the stack file, or one derived from the stack's name alone. */
export function privateCidr(configured: string | null, stack: string): string {
  const cidr = configured ?? freeCidr(stack, []);
  if (cidr === null) throw new Error(`no private network follows from the name ${stack}`);
  return cidr;
}

/**
 * A private network of 256 addresses that follows from a text.
 * @param taken networks that it must not overlap
 * @returns null if there is hardly any left
 */
export function freeCidr(text: string, taken: readonly Network[]): string | null {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const hash = fnv1a(attempt === 0 ? text : `${text}#${attempt}`);
    const network: Network = { base: 10 * 2 ** 24 + (hash & 0xffff) * 256, prefix: 24, size: 256 };
    if (![...AVOIDED, ...taken].some((range) => overlaps(range, network))) return `${addressAt(network, 0)}/24`;
  }
  return null;
}

/** Addresses in a cluster's network: that of the front, and that of any backend or machine. @param cidr that network */
export function addresses(cidr: string): { front: string; at(place: { addressOffset: number }): string } {
  const network = networkOf(cidr);
  return {
    front: addressAt(network, FRONT_OFFSET),
    at: ({ addressOffset }) => addressAt(network, addressOffset),
  };
}

/** Hash FNV-1a, 32 bits, folded once so that the low bits depend on the whole name. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return (hash ^ (hash >>> 16)) >>> 0;
}
