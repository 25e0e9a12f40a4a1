/**
 * The effective speed of devices and links: the catalog's figures times the share that programs achieve. Every constant
 * names its source. `test/unit/speed.test.ts` compares the results with published measurements.
 */

import { type MachineType, processorBytesPerSecond } from "../catalog/index.ts";

/**
 * Round trips between the front and each backend for one token. The front sends inputs and graphs without waiting for an
 * answer (`GRAPH_RECOMPUTE`, since protocol 3.5) and waits only for the result. Measured with added delays by
 * `bench/netem.ts`.
 */
export const ROUND_TRIPS_PER_TOKEN = 1;

/**
 * Seconds that both programs spend on the messages of one backend and token, without the network. Fitted to measurements
 * of `bench/netem.ts`; its table in `bench/RESULTS.md` shows how well it predicts them. There the front, the backends and
 * the relay share two cores, and single settings gave 0.6 to 4 ms.
 */
export const CALL_SECONDS = 0.002;

/**
 * Part of the memory bandwidth that programs achieve when they read weights. CPU: 3 × c8g.16xlarge read 213 GiB in 610 ms
 * (Arm, see `test/unit/speed.test.ts`), which is 1.04 of their nominal part of the socket; the planner assumes a little
 * less for other processors. GPU: small matrices achieve 0.6, big ones 0.85.
 */
const BANDWIDTH_SHARE = { cpu: 0.95, cuda: 0.7 } as const;

/** Part of the tensor cores' rate that prompt processing with quantized weights achieves. */
const TERAFLOPS_SHARE = 0.25;

/** Seconds to start the operations of one layer: kernels on a GPU, barriers between threads on a CPU. */
const LAYER_SECONDS = { cpu: 30e-6, cuda: 40e-6 } as const;

/** Round trip within one zone. AWS publishes no figure; users measure tenths of a millisecond. */
const ZONE_ROUND_TRIP_SECONDS = 0.0002;
/** Rate of one TCP connection within a cluster placement group (EC2 user guide, "instance network bandwidth"). */
const FLOW_GBPS = 10;

/** The connection from the front to a backend. */
export interface Link {
  roundTripSeconds: number;
  bytesPerSecond: number;
}

/** The speed of one device of a cluster. */
export interface DeviceSpeed {
  /** Rate at which it reads weights and KV cache. */
  bytesPerSecond: number;
  /** Multiplications and additions per second in prompt processing. */
  flopsPerSecond: number;
  /** Seconds to start the operations of one layer. */
  layerSeconds: number;
  /** Connection from the front; null for the front's own device. */
  link: Link | null;
}

/** The speed of a device of a machine: one of its GPUs, or its processor cores. */
export function deviceSpeed(type: MachineType, link: Link | null, flavour: "cpu" | "cuda"): DeviceSpeed {
  const { gpu } = type;
  if (flavour === "cuda" && gpu !== null) {
    return {
      bytesPerSecond: gpu.gigabytesPerSecond * gpu.partition * 1e9 * BANDWIDTH_SHARE.cuda,
      flopsPerSecond: gpu.teraflops * gpu.partition * 1e12 * TERAFLOPS_SHARE,
      layerSeconds: LAYER_SECONDS.cuda,
      link,
    };
  }
  return {
    bytesPerSecond: processorBytesPerSecond(type) * BANDWIDTH_SHARE.cpu,
    flopsPerSecond: type.processor.gigaflopsPerVcpu * type.vcpus * 1e9,
    layerSeconds: LAYER_SECONDS.cpu,
    link,
  };
}

/** The link between two machines in one zone and placement group: the slower network, at most the rate of one flow. */
export function linkBetween(front: MachineType, backend: MachineType): Link {
  const gbps = Math.min(front.networkBaseGbps, backend.networkBaseGbps, FLOW_GBPS);
  return { roundTripSeconds: ZONE_ROUND_TRIP_SECONDS, bytesPerSecond: (gbps * 1e9) / 8 };
}
