/** AWS's answers about machine types, in the catalog's terms and units. */

import type { InstanceTypeInfo } from "@aws-sdk/client-ec2";
import * as z from "zod";
import type { MachineType, Region } from "../../plan/catalog/index.ts";

/** Facts of one type that AWS states. */
export type ObservedType = Omit<MachineType, "family" | "processor" | "gpu" | "usdPerHour"> & {
  gpu: { maker: string; name: string; memoryMib: number; partition: number } | null;
};

/** AWS's answers about one region. */
export interface ObservedRegion {
  /** Names of the types that the region offers. */
  offered: ReadonlySet<string>;
  /** Linux on demand, US dollars per hour; null if prices were not requested. */
  usdPerHour: ReadonlyMap<string, number> | null;
  /** Current spot price in the cheapest zone, US dollars per hour; null if prices were not requested. */
  spotUsdPerHour: ReadonlyMap<string, number> | null;
}

export interface Observed {
  types: ReadonlyMap<string, ObservedType>;
  regions: ReadonlyMap<Region, ObservedRegion>;
}

/** One answer of DescribeInstanceTypes; null for a type that lacks what the catalog needs, such as one of a past generation. */
export function observedType(info: InstanceTypeInfo): ObservedType | null {
  const { InstanceType: name, VCpuInfo, MemoryInfo, EbsInfo, NetworkInfo, ProcessorInfo } = info;
  const disk = EbsInfo?.EbsOptimizedInfo;
  const network = networkGbps(NetworkInfo);
  const vcpus = VCpuInfo?.DefaultVCpus;
  const memoryMib = MemoryInfo?.SizeInMiB;
  const [diskBase, diskBurst] = [disk?.BaselineThroughputInMBps, disk?.MaximumThroughputInMBps];
  if (name === undefined || vcpus === undefined || memoryMib === undefined || network === null) return null;
  if (diskBase === undefined || diskBurst === undefined) return null;
  const classes = info.SupportedUsageClasses ?? [];
  const [gpu] = info.GpuInfo?.Gpus ?? [];
  return {
    name,
    architecture: ProcessorInfo?.SupportedArchitectures?.includes("arm64") === true ? "arm64" : "amd64",
    vcpus,
    memoryMib,
    gpu:
      gpu === undefined
        ? null
        : {
            maker: gpu.Manufacturer ?? "",
            name: gpu.Name ?? "",
            memoryMib: gpu.MemoryInfo?.SizeInMiB ?? 0,
            partition: gpu.GpuPartitionSize ?? 1,
          },
    // `Count` is 0 for a part of a GPU.
    gpus: gpu?.LogicalGpuCount ?? gpu?.Count ?? 0,
    networkBaseGbps: network.base,
    networkBurstGbps: network.burst,
    diskBaseMegabytesPerSecond: diskBase,
    diskBurstMegabytesPerSecond: diskBurst,
    nvmeGigabytes: info.InstanceStorageInfo?.TotalSizeInGB ?? 0,
    autoRecovery: info.AutoRecoverySupported ?? false,
    spot: classes.includes("spot"),
    capacityBlocks: classes.includes("capacity-block"),
  };
}

/**
 * For a type with several network cards, AWS states a total that may differ from the sum of the cards. For a type with one
 * card, the total may be text ("Up to 10 Gigabit") without the base value, which the card states.
 */
function networkGbps(info: InstanceTypeInfo["NetworkInfo"]): { base: number; burst: number } | null {
  const cards = info?.NetworkCards ?? [];
  const stated = /^(\d+(?:\.\d+)?) Gigabit$/.exec(info?.NetworkPerformance ?? "")?.[1];
  if (cards.length > 1 && stated !== undefined) return { base: Number(stated), burst: Number(stated) };
  const bases = cards.map((card) => card.BaselineBandwidthInGbps);
  const bursts = cards.map((card) => card.PeakBandwidthInGbps);
  if (cards.length === 0 || bases.includes(undefined) || bursts.includes(undefined)) return null;
  const sum = (values: (number | undefined)[]) => values.reduce<number>((total, value) => total + (value ?? 0), 0);
  return { base: sum(bases), burst: sum(bursts) };
}

const priceItem = z.object({
  product: z.object({ attributes: z.object({ instanceType: z.string() }) }),
  terms: z.object({
    OnDemand: z
      .record(
        z.string(),
        z.object({
          priceDimensions: z.record(
            z.string(),
            z.object({ unit: z.string(), pricePerUnit: z.object({ USD: z.string() }) }),
          ),
        }),
      )
      .optional(),
  }),
});

/** One entry of the price list: the type and its hourly price; null if it has no price by the hour. */
export function listedPrice(entry: string): { name: string; usd: number } | null {
  const { product, terms } = priceItem.parse(JSON.parse(entry));
  const prices = Object.values(terms.OnDemand ?? {})
    .flatMap(({ priceDimensions }) => Object.values(priceDimensions))
    .flatMap(({ unit, pricePerUnit }) => (unit === "Hrs" ? [Number(pricePerUnit.USD)] : []))
    .filter((usd) => usd > 0);
  const [usd] = prices;
  return usd === undefined ? null : { name: product.attributes.instanceType, usd };
}
