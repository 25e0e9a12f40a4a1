/** What the front's log proves about where the model's layers lie. Pure. */

/** A buffer of weights on a backend, as llama.cpp's loader reports it. */
export interface DeviceBuffer {
  /** `address:port` of the backend. */
  address: string;
  mebibytes: number;
}

/** What the log of a front's latest start says. */
export interface LoadEvidence {
  /** Layers on devices and layers in all, the output layer counted; null if the log does not say. */
  offloaded: { layers: number; of: number } | null;
  /** Weights on each backend. */
  buffers: DeviceBuffer[];
  /** Whether the front's own CPU holds repeating layers: it then keeps a KV cache of its own. */
  frontHoldsLayers: boolean;
}

/** Reads the log; only the latest load counts, a front that was restarted has several in it. */
export function loadEvidence(log: string): LoadEvidence {
  const start = log.lastIndexOf(" layers to GPU");
  if (start < 0) return { offloaded: null, buffers: [], frontHoldsLayers: false };
  const latest = log.slice(log.lastIndexOf("\n", start) + 1);
  const counts = /offloaded (\d+)\/(\d+) layers to GPU/.exec(latest);
  const sums = new Map<string, number>();
  for (const [, address = "", amount] of latest.matchAll(/RPC\d+\[([^\]]+)\] model buffer size\s*=\s*([\d.]+) MiB/g)) {
    sums.set(address, (sums.get(address) ?? 0) + Number(amount));
  }
  return {
    offloaded: counts ? { layers: Number(counts[1]), of: Number(counts[2]) } : null,
    buffers: [...sums].map(([address, mebibytes]) => ({ address, mebibytes })),
    frontHoldsLayers: /CPU(_Mapped)? KV buffer size/.test(latest),
  };
}

/**
 * For a healthy front whose log has lost its start: Docker keeps the newest lines only. The front's entry point has
 * stopped every start that left a backend without weights, so this is no sign of trouble.
 */
export const START_IS_NOT_IN_LOG =
  "the lines of the start are not in the front's log any more; the front itself checked every backend when it started";

/** What is wrong with where the layers lie; null if every backend of the list holds weights. */
export function unusedBackends(evidence: LoadEvidence, addresses: readonly string[]): string | null {
  if (evidence.offloaded === null) return "the front's log does not say where the layers are";
  const idle = addresses.filter(
    (address) => !evidence.buffers.some((buffer) => buffer.address === address && buffer.mebibytes > 0),
  );
  return idle.length === 0 ? null : `no weights on ${idle.join(", ")}`;
}
