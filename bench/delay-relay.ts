/**
 * Forwards TCP connections and delays every byte by the same time in both directions, like `tc netem delay`, for kernels
 * without it. Arguments: `<delay in ms> <listening address>=<target address>…`, addresses as `IP:port`.
 */

import { createConnection, createServer, type Socket } from "node:net";

/** Runs each action after the delay, in order and accurate to a fraction of a millisecond. */
function delayLine(delayMs: number): (act: () => void) => void {
  const waiting: { due: number; act: () => void }[] = [];
  // Poll the clock, because a timer is late by up to a millisecond. Polling takes no time from the cluster, which is
  // waiting for these bytes.
  const turn = () => {
    const now = performance.now();
    while (waiting[0] !== undefined && waiting[0].due <= now) waiting.shift()?.act();
    if (waiting.length > 0) setImmediate(turn);
  };
  return (act) => {
    waiting.push({ due: performance.now() + delayMs, act });
    if (waiting.length === 1) setImmediate(turn);
  };
}

function join(from: Socket, to: Socket, delayMs: number): void {
  const later = delayLine(delayMs);
  from.setNoDelay(true);
  from.on("data", (bytes) => later(() => to.write(bytes)));
  from.on("end", () => later(() => to.end()));
  from.on("error", () => to.destroy());
}

const [delay, ...links] = process.argv.slice(2);
for (const link of links) {
  const [listening, target] = link.split("=").map((address) => {
    const [host, port] = address.split(":");
    return { host: host ?? "", port: Number(port) };
  });
  if (listening === undefined || target === undefined) throw new Error(`"${link}" is not <address>=<address>`);
  createServer((client) => {
    const server = createConnection(target);
    join(client, server, Number(delay));
    join(server, client, Number(delay));
  }).listen(listening.port, listening.host);
}
