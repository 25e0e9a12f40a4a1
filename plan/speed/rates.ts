/**
 * How fast devices and links really are: the catalog's figures times what programs get out of them. Every constant says
 * where it is from; how far they carry is checked against published measurements in `test/unit/speed.test.ts`.
 */

import { type MachineType, processorBytesPerSecond } from "../catalog/index.ts";

/**
 * Waits of the front for each backend and token. Inputs and graphs are sent without an answer (`GRAPH_RECOMPUTE`, since
 * protocol 3.5); only the result is waited for. Measured over added delays by `bench/netem.ts`.
 */
export const ROUND_TRIPS_PER_TOKEN = 1;

/**
 * Time of both programs for the messages of one backend and token, the network excluded: fitted to `bench/netem.ts`, whose
 * table in `bench/RESULTS.md` says how far it carries. There the front, the backends and the relay share two cores, and
 * single settings gave 0.6 to 4 ms.
 */
export const CALL_SECONDS = 0.002;

/**
 * Part of the memory bandwidth that reading weights achieves. CPU: 3 × c8g.16xlarge read 213 GiB in 610 ms (Arm, see
 * `test/unit/speed.test.ts`), which is 1.04 of their nominal part of the socket; other processors are taken for a little
 * worse. GPU: between the 0.6 of small and the 0.85 of big matrices.
 */
const BANDWIDTH_SHARE = { cpu: 0.95, cuda: 0.7 } as const;

/** Part of the tensor cores' rate at prompt processing of quantized weights. */
const TERAFLOPS_SHARE = 0.25;

/** Starting the operations of one layer: kernels on a GPU, barriers between threads on a CPU. */
const LAYER_SECONDS = { cpu: 30e-6, cuda: 40e-6 } as const;

/** A wait within one zone: AWS publishes none, tenths of a millisecond are what people measure. */
const ZONE_ROUND_TRIP_SECONDS = 0.0002;
/** One TCP connection within a cluster placement group (EC2 user guide, "instance network bandwidth"). */
const FLOW_GBPS = 10;

/** The way from the front to a backend. */
export interface Link {
  roundTripSeconds: number;
  bytesPerSecond: number;
}

/** What one device of a cluster can do. */
export interface DeviceSpeed {
  /** At which it reads weights and KV cache. */
  bytesPerSecond: number;
  /** Multiplications and additions at prompt processing. */
  flopsPerSecond: number;
  layerSeconds: number;
  /** Null for the front's own device. */
  link: Link | null;
}

/** The device that a machine lends: one of its GPUs, or its processor cores. */
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

/** The link between two machines of one zone and placement group: the slower of both networks, at most one flow's rate. */
export function linkBetween(front: MachineType, backend: MachineType): Link {
  const gbps = Math.min(front.networkBaseGbps, backend.networkBaseGbps, FLOW_GBPS);
  return { roundTripSeconds: ZONE_ROUND_TRIP_SECONDS, bytesPerSecond: (gbps * 1e9) / 8 };
}
