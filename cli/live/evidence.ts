/** Reads from the front's log which devices hold the model's layers. Pure. */

/** A backend's weights buffer, as llama.cpp's loader reports it. */
export interface DeviceBuffer {
  /** `address:port` of the backend. */
  address: string;
  mebibytes: number;
}

/** The facts in the log of a front's latest start. */
export interface LoadEvidence {
  /** Layers on devices and all layers, including the output layer; null if the log does not state them. */
  offloaded: { layers: number; of: number } | null;
  /** Weights on each backend. */
  buffers: DeviceBuffer[];
  /** Whether the front's own CPU holds repeating layers, and so a KV cache. */
  frontHoldsLayers: boolean;
}

/** Reads the log. Only the latest load counts, because the log of a restarted front has several. */
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
 * For a healthy front whose log no longer has its start, because Docker keeps only the newest lines. This is not a fault: the
 * front's entry point stops every start that leaves a backend without weights.
 */
export const START_IS_NOT_IN_LOG =
  "the front's log no longer has the lines of the start; the front checked every backend itself when it started";

/** A fault in the placement of the layers; null if every backend of the list holds weights. */
export function unusedBackends(evidence: LoadEvidence, addresses: readonly string[]): string | null {
  if (evidence.offloaded === null) return "the front's log does not show where the layers are";
  const idle = addresses.filter(
    (address) => !evidence.buffers.some((buffer) => buffer.address === address && buffer.mebibytes > 0),
  );
  return idle.length === 0 ? null : `no weights on ${idle.join(", ")}`;
}
