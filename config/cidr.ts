/** IPv4 networks in CIDR notation: enough to check the stack file and to assign addresses. */

/** An IPv4 network as numbers. */
export interface Network {
  /** First address as an unsigned 32-bit number. */
  base: number;
  prefix: number;
  /** Number of its addresses, including the first (network) and the last (broadcast). */
  size: number;
}

const CIDR_PATTERN = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/;

/** Whether the text is a network: four numbers up to 255, a prefix up to 32, no host bits set. */
export function isCidr(text: string): boolean {
  return parseNetwork(text) !== null;
}

/** The network that the text names, or null if it names none. */
export function parseNetwork(text: string): Network | null {
  const match = CIDR_PATTERN.exec(text);
  if (match === null) return null;
  const octets = match.slice(1, 5).map(Number);
  const prefix = Number(match[5]);
  if (octets.some((octet) => octet > 255) || prefix > 32) return null;
  const base = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  const size = 2 ** (32 - prefix);
  return base % size === 0 ? { base, prefix, size } : null;
}

/** Dotted notation of the address that is `offset` above the network's first. */
export function addressAt(network: Network, offset: number): string {
  const address = network.base + offset;
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

/** Whether two networks share an address. */
export function overlaps(a: Network, b: Network): boolean {
  return a.base < b.base + b.size && b.base < a.base + a.size;
}

/** RFC 1918: the networks that are never routed on the Internet. */
const PRIVATE_NETWORKS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/** Whether the whole network lies in one of the private ranges. */
export function isPrivate(network: Network): boolean {
  return PRIVATE_NETWORKS.map(networkOf).some(
    (range) => network.base >= range.base && network.base + network.size <= range.base + range.size,
  );
}

/** The network that a valid text names. @throws {Error} if it names none */
export function networkOf(cidr: string): Network {
  const network = parseNetwork(cidr);
  if (network === null) throw new Error(`${cidr} is not an IPv4 network`);
  return network;
}
