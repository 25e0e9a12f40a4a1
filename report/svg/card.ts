/** Draws one device and one machine. */

import type { MemoryPlan } from "../../plan/memory/plan.ts";
import type { ClusterPlan } from "../../plan/plan.ts";
import type { BackendPlan, FrontPlan, MachinePlan } from "../../plan/resources/plans.ts";
import { backendHolds, bytes, frontHolds, percent, shortUsd } from "../amounts.ts";
import { processorOf } from "../text-machines.ts";
import type { Rectangle } from "./layout.ts";
import { box, line } from "./text.ts";

/** Cards below this width have a smaller font. */
const NARROW = 210;

export const MEMORY_PARTS = [
  { key: "weightsBytes", label: "weights", style: "weights" },
  { key: "kvCacheBytes", label: "KV cache", style: "cache" },
  { key: "computeBytes", label: "compute", style: "compute" },
  { key: "reserveBytes", label: "program", style: "program" },
] as const;

interface Card {
  name: string;
  device: string;
  address: string;
  holds: string;
  memory: MemoryPlan;
}

export function frontCard(front: FrontPlan, area: Rectangle): string {
  const device = front.flavour === "cuda" ? "CUDA" : "CPU";
  const address = `${front.address}:${front.port}`;
  return card({ name: "front", device, address, holds: frontHolds(front), memory: front.memory }, area);
}

export function backendCard(plan: ClusterPlan, backend: BackendPlan, area: Rectangle): string {
  const { name, device, address, port, memory } = backend;
  const full = `${device} · ${processorOf(plan, backend)}`;
  // Leave out a long name of the GPU to make room for the backend's name; the machine's frame shows the GPU too.
  const shown = deviceRoom(full) > area.width * 0.62 ? device : full;
  return card({ name, device: shown, address: `${address}:${port}`, holds: backendHolds(backend), memory }, area);
}

/** The frame of a machine with its type, hardware, market and price. */
export function machineFrame(machine: MachinePlan, { x, y, width, height }: Rectangle): string {
  const { gpu, vcpus } = machine.hardware;
  const price = machine.usdPerHour;
  const cost = price === null ? "no price" : `${shortUsd(price)} per hour`;
  const hardware = gpu === null ? `${vcpus} vCPUs` : `${gpu.count} × ${gpu.name}`;
  const room = width - 24;
  const besideType = room - machine.type.length * 9 - 8;
  return [
    box(x, y, width, height, machine.market === "spot" ? "spot" : "machine", 12),
    line(x + 12, y + 20, machine.type, { size: 14, style: "strong", room }),
    line(x + width - 12, y + 20, hardware, { size: 12, style: "soft", anchor: "end", room: besideType }),
    line(x + 12, y + 38, `${machine.market}, ${cost}`, { size: 12, style: "soft", room }),
  ].join("\n");
}

function deviceRoom(device: string): number {
  return device.length * 7 + 8;
}

function card({ name, device, address, holds, memory }: Card, { x, y, width, height }: Rectangle): string {
  const isOver = memory.totalBytes > memory.capacityBytes;
  const style = isOver ? "over" : "soft";
  const size = width < NARROW ? 11 : 12;
  const margin = width < NARROW ? 10 : 14;
  const [left, right] = [x + margin, x + width - margin];
  const room = width - 2 * margin;
  return [
    box(x, y, width, height, isOver ? "full" : "card", 10),
    line(left, y + 25, name, { size: 15, style: "strong", room: (room - deviceRoom(device)) * 0.88, keep: "end" }),
    line(right, y + 25, device, { size, style: "soft", anchor: "end" }),
    line(left, y + 45, address, { size, style: "soft", room }),
    line(left, y + 66, holds, { size: size + 1, style: "ink", room }),
    memoryBar(memory, left, y + 76, room),
    line(left, y + 106, fullness(memory), { size, style, room: room - 34 }),
    line(right, y + 106, percent(memory).trim(), { size, style, anchor: "end" }),
  ].join("\n");
}

/** `29.6 of 41.57 GiB`: if both units are the same, the unit appears once. */
function fullness({ totalBytes, capacityBytes }: MemoryPlan): string {
  const [amount = "", unit] = bytes(totalBytes).split(" ");
  const capacity = bytes(capacityBytes);
  return capacity.endsWith(` ${unit}`) ? `${amount} of ${capacity}` : `${amount} ${unit} of ${capacity}`;
}

function memoryBar(memory: MemoryPlan, x: number, y: number, width: number): string {
  const scale = width / Math.max(memory.capacityBytes, memory.totalBytes, 1);
  let from = x;
  const parts = MEMORY_PARTS.map(({ key, style }) => {
    const length = memory[key] * scale;
    const part = length < 0.05 ? "" : box(from, y, length, 12, style);
    from += length;
    return part;
  });
  return [box(x, y, width, 12, "free"), ...parts].filter((part) => part !== "").join("\n");
}
