/** Formats memory, speeds and money for the terminal and for the picture. */

import { GIB, MIB } from "../config/units.ts";
import type { UsdRange } from "../plan/cost/prices.ts";
import type { LayerRange, MemoryPlan } from "../plan/memory/plan.ts";
import type { BackendPlan, FrontPlan } from "../plan/resources/plans.ts";
import { type Estimate, tokensPerSecond } from "../plan/speed/estimate.ts";

/** An amount of memory, rounded: `171 MiB`, `2 GiB`. */
export function bytes(amount: number): string {
  if (amount >= GIB) return `${Number((amount / GIB).toFixed(2))} GiB`;
  return `${Math.ceil(amount / MIB)} MiB`;
}

/** `1 slot`, `4 slots`. */
export function slots(count: number): string {
  return count === 1 ? "1 slot" : `${count} slots`;
}

/** How full a device is. */
export function percent({ totalBytes, capacityBytes }: MemoryPlan): string {
  return `${Math.round((totalBytes / capacityBytes) * 100)} %`.padStart(5);
}

/** What the front holds. */
export function frontHolds({ layers }: FrontPlan): string {
  return layers === null ? "embeddings" : `embeddings, ${layerText(layers)}`;
}

/** What a backend holds. */
export function backendHolds({ layers, holdsOutput }: BackendPlan): string {
  return layers.count === 0 ? "no layers" : `${layerText(layers)}${holdsOutput ? ", output" : ""}`;
}

function layerText({ first, last, count }: LayerRange): string {
  return count === 1 ? `layer ${first}` : `layers ${first}-${last}`;
}

/** Low and high end of an estimate in tokens per second: `0.43–0.73`. */
export function speedRange({ low, high }: Estimate): string {
  return `${tokensPerSecond(low)}–${tokensPerSecond(high)}`;
}

/** US dollars: `4.60`, or `4.60–5.10` for a range. A cost that rounds to 0.00 is `<0.01`. */
export function usd({ low, high }: UsdRange): string {
  return dollars(low) === dollars(high) ? dollars(high) : `${dollars(low)}–${dollars(high)}`;
}

function dollars(amount: number): string {
  return amount > 0 && amount < 0.005 ? "<0.01" : amount.toFixed(2);
}

/** US dollars in short form; from 100 on without cents: `$5.70–6.70`, `$4163–4890`. */
export function shortUsd({ low, high }: UsdRange): string {
  const short = (amount: number) => (high >= 100 ? String(Math.round(amount)) : amount.toFixed(2));
  return short(low) === short(high) ? `$${short(high)}` : `$${short(low)}–${short(high)}`;
}

/** US dollars; from 100 on without cents: `4.60`, `489`. */
export function roundUsd(amount: number): string {
  return amount < 100 ? amount.toFixed(2) : amount.toFixed(0);
}

/** US dollars with cents; below one cent with one digit that is not zero: `0.05`, `0.003`. */
export function smallUsd(amount: number): string {
  return amount >= 0.01 ? amount.toFixed(2) : amount.toPrecision(1);
}
