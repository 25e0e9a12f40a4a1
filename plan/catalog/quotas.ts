/** How EC2 counts vCPUs: an account has one quota per region, class of machines and market. */

import { findMachineType } from "./index.ts";

/** A class of machines whose vCPUs EC2 counts together. */
type QuotaClass = "standard" | "g" | "p" | "x" | "hpc";

/** Codes of the quotas by class, from Service Quotas, service `ec2`. A class without a spot quota is not sold as spot. */
const QUOTA_CODES: Readonly<Record<QuotaClass, { onDemand: string; spot: string | null }>> = {
  standard: { onDemand: "L-1216C47A", spot: "L-34B43A08" },
  g: { onDemand: "L-DB2E81BA", spot: "L-3819A6DF" },
  p: { onDemand: "L-417A185B", spot: "L-7212CCBC" },
  x: { onDemand: "L-7295265B", spot: "L-E3A00192" },
  hpc: { onDemand: "L-F7808C92", spot: null },
};
/** Spot machines of P5 have a separate quota. For P6 none is documented; the planner assumes the same one. */
const NEWER_P_SPOT = { generations: /^p[56]/, code: "L-C4BD4855" };

/** The class of a type by the letters of its name. Classes that no cluster needs (F, Inf, Trn, U, …) are not listed. */
const CLASSES: readonly [letters: RegExp, quota: QuotaClass][] = [
  [/^hpc\d/, "hpc"],
  [/^(g|gr|vt)\d/, "g"],
  [/^p\d/, "p"],
  [/^x\d/, "x"],
  [/^(a|c|d|h|i|im|is|m|r|t|z)\d/, "standard"],
];

/** Machines of one type and market. */
export interface MachineCount {
  /** EC2 type. */
  type: string;
  count: number;
  /** A capacity block is paid for in advance and counts against no quota. */
  market: "on-demand" | "spot" | "capacity-block";
}

/** The code of the quota that a type counts against; null if its class is not listed, or if this market lacks it. */
export function quotaCodeOf(type: string, market: MachineCount["market"]): string | null {
  const [, quota] = CLASSES.find(([letters]) => letters.test(type)) ?? [];
  if (quota === undefined || market === "capacity-block") return null;
  if (market === "on-demand") return QUOTA_CODES[quota].onDemand;
  return NEWER_P_SPOT.generations.test(type) ? NEWER_P_SPOT.code : QUOTA_CODES[quota].spot;
}

/** Number of vCPUs of machines of the catalog, by the code of their quota. */
export function vcpusByQuota(machines: readonly MachineCount[]): Map<string, number> {
  const needed = new Map<string, number>();
  for (const { type, count, market } of machines) {
    const code = quotaCodeOf(type, market);
    const vcpus = findMachineType(type)?.vcpus;
    if (code !== null && vcpus !== undefined) needed.set(code, (needed.get(code) ?? 0) + count * vcpus);
  }
  return needed;
}
