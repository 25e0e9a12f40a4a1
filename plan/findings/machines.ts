/** Findings about the machines themselves and where EC2 sells them. */

import { at } from "../../config/collections.ts";
import { REGIONS, type Region } from "../../config/regions.ts";
import type { Architecture } from "../../config/words.ts";
import type { MachineType } from "../catalog/index.ts";
import { type MachineCount, vcpusByQuota } from "../catalog/quotas.ts";
import { priceOf } from "../cost/prices.ts";
import type { AwsCluster } from "../hosts/cluster.ts";
import { backendsPerMachine, type Host } from "../hosts/hosts.ts";
import type { ModelFacts } from "../model/facts.ts";
import type { Placement } from "../placement/index.ts";
import { reachesGoal } from "../remedies/aws.ts";
import {
  cheapestOfAnyArchitecture,
  cheapestThat,
  hasDriver,
  otherFronts,
  otherMachines,
  type Proposal,
  remedyOf,
} from "../remedies/candidates.ts";
import { bothChanges, setting } from "../remedies/change.ts";
import { backendsHoldAll, everythingFits } from "../remedies/memory.ts";
import { listed, type Remedy } from "../remedies/remedy.ts";
import { deviceSpeed, linkBetween } from "../speed/rates.ts";
import type { Observation } from "./finding.ts";
import type { Check } from "./situation.ts";

/** Reports machines that the region does not sell. */
export const typesAreOffered: Check = ({ cluster }) => {
  if (cluster.target === "docker") return [];
  const { region, front, pools } = cluster;
  const holders = [
    { path: "front.machine", host: front, others: () => otherFronts(cluster), hostIn: frontOf },
    ...pools.map((pool) => ({
      path: `backends[${pool.index}].machine`,
      host: pool.host,
      others: () => otherMachines(cluster, pool),
      hostIn: (changed: AwsCluster) => hostAt(changed, pool.index),
    })),
  ];
  return holders.flatMap(({ path, host, others, hostIn }): Observation[] => {
    if (isOffered(host.type, region)) return [];
    const found = cheapestThat(others(), (proposal) => isComparable(hostIn(proposal.cluster), host));
    return [
      {
        code: "type-not-offered",
        severity: "error",
        path,
        message: `Region ${region} does not sell ${host.type.name} on demand.`,
        remedy: remedyOf(found, cluster) ??
          otherRegion(cluster) ?? { action: "choose another type", note: "`npm run advise` proposes some." },
      },
    ];
  });
};

/** Reports pools with market spot whose type EC2 never sells as spot. */
export const spotIsOffered: Check = ({ cluster }) => {
  if (cluster.target === "docker") return [];
  return cluster.pools.flatMap(({ index, host: { type }, market }): Observation[] => {
    if (market !== "spot" || type.spot) return [];
    return [
      {
        code: "type-not-offered",
        severity: "error",
        message: `EC2 never sells ${type.name} as spot.`,
        remedy: { change: setting(`backends[${index}].market`, "on-demand") },
      },
    ];
  });
};

/** Reports pools whose GPUs have no driver in the machine image of EC2. */
export const gpusHaveDrivers: Check = ({ cluster }) => {
  if (cluster.target === "docker") return [];
  return cluster.pools.flatMap((pool): Observation[] => {
    const { index, host } = pool;
    const { type, flavour } = host;
    if (type.gpu === null || flavour === "cpu" || hasDriver(type)) return [];
    const path = `backends[${index}].machine`;
    const found = cheapestThat(otherMachines(cluster, pool), (proposal) =>
      isComparable(hostAt(proposal.cluster, index), host),
    );
    const why =
      type.gpu.partition < 1 ? "the type has a part of a GPU, which needs NVIDIA's GRID driver" : "its GPU is too old";
    return [
      {
        code: "gpu-driver-missing",
        severity: "error",
        path,
        message: `The machine image has no driver for ${type.name}: ${why}.`,
        remedy: remedyOf(found, cluster) ?? { action: "choose a type with a whole, newer GPU" },
      },
    ];
  });
};

/** Reports if the cluster needs images for both architectures. */
export const oneArchitecture: Check = ({ cluster, facts, placement }) => {
  if (cluster.target === "docker" || placement === null) return [];
  const front = cluster.front.type.architecture;
  const pools = cluster.pools.map(({ host }) => host.type.architecture);
  if (new Set([front, ...pools]).size === 1) return [];
  const remedy = unified(cluster, facts, placement);
  // The cluster works: without a remedy there is nothing to report.
  if (remedy === null) return [];
  return [
    {
      code: "mixed-architectures",
      severity: "advice",
      message: `The front is ${front}, but the backends are ${[...new Set(pools)].join(" and ")}: images must be built for both architectures.`,
      remedy,
    },
  ];
};

/** Reports quotas that the account may have to raise first. */
export const quotasSuffice: Check = ({ cluster }) => {
  if (cluster.target === "docker") return [];
  const { region, vcpuQuotas } = cluster;
  const lacking = [...vcpusByQuota(machinesOf(cluster))].filter(([code, vcpus]) => vcpus > (vcpuQuotas[code] ?? 0));
  if (lacking.length === 0) return [];
  const texts = lacking.map(
    ([code, vcpus]) => `${vcpus} vCPUs of ${code} (aws.vcpuQuotas has ${vcpuQuotas[code] ?? 0})`,
  );
  const value = { ...vcpuQuotas, ...Object.fromEntries(lacking) };
  return [
    {
      code: "quota-needed",
      severity: "advice",
      message: `The machines need ${listed(texts)}.`,
      remedy: {
        action: `look at the Service Quotas of EC2 in ${region} and request what your account lacks`,
        change: setting("aws.vcpuQuotas", value),
      },
    },
  ];
};

/** Checks of the machines themselves. */
export const MACHINE_CHECKS: readonly Check[] = [
  typesAreOffered,
  spotIsOffered,
  gpusHaveDrivers,
  oneArchitecture,
  quotasSuffice,
];

function isOffered(type: MachineType, region: Region): boolean {
  return priceOf(type, region, "on-demand") !== null;
}

type MachineHost = Host<MachineType>;

/** Whether a host has as many devices as another one, and each as much memory. */
function isComparable(host: MachineHost, wanted: MachineHost): boolean {
  const isSame = backendsPerMachine(host.type, host.flavour) === backendsPerMachine(wanted.type, wanted.flavour);
  return isSame && host.capacityBytes >= wanted.capacityBytes;
}

/** Whether a host is comparable to another one and reads its memory as fast. */
function isAsGood(host: MachineHost, wanted: MachineHost): boolean {
  const speed = ({ type, flavour }: MachineHost) => deviceSpeed(type, null, flavour).bytesPerSecond;
  return isComparable(host, wanted) && speed(host) >= speed(wanted);
}

/** Rate of the slowest connection between the front and a backend. */
function linkRate({ front, pools }: AwsCluster): number {
  return Math.min(...pools.map(({ host }) => linkBetween(front.type, host.type).bytesPerSecond));
}

function frontOf({ front }: AwsCluster): MachineHost {
  return front;
}

/** What the backends of a pool run on. */
function hostAt({ pools }: AwsCluster, index: number): MachineHost {
  return at(pools, index).host;
}

/** Another region that sells every machine of the cluster. */
function otherRegion({ region: present, front, pools }: AwsCluster): Remedy | null {
  const types = [front.type, ...pools.map(({ host }) => host.type)];
  const region = REGIONS.find((other) => other !== present && types.every((type) => isOffered(type, other)));
  if (region === undefined) return null;
  return { change: setting("aws.region", region) };
}

/** The cheaper way to one architecture: another front, or other machines for the pools that are as good. */
function unified(cluster: AwsCluster, facts: ModelFacts, placement: Placement): Remedy | null {
  const isWhole = placement.frontLayers === 0;
  const share = isWhole ? "all" : "with the front";
  // A model that does not fit before the change need not fit after it.
  const fits = placement.fits ? reachesGoal(facts, isWhole ? backendsHoldAll : everythingFits, share) : () => true;
  const byFront = cheapestOfAnyArchitecture(otherFronts(cluster), (proposal) => {
    const { type, capacityBytes } = proposal.cluster.front;
    // An idle GPU costs more than a second set of images.
    if (type.gpu !== null) return false;
    const isOne = cluster.pools.every(({ host }) => host.type.architecture === type.architecture);
    const isEnough = capacityBytes >= placement.front.totalBytes && linkRate(proposal.cluster) >= linkRate(cluster);
    return isOne && isEnough && fits(proposal);
  });
  const byPools = poolsOf(cluster, cluster.front.type.architecture, fits);
  const [best] = [byFront, byPools].filter((found) => found !== null).sort((a, b) => a.usdPerHour - b.usdPerHour);
  return remedyOf(best ?? null, cluster);
}

/** Each pool of another architecture on the cheapest machines of the wanted one that are as good; null if there are none. */
function poolsOf(cluster: AwsCluster, wanted: Architecture, fits: (proposal: Proposal) => boolean): Proposal | null {
  let changed: Proposal | null = null;
  for (const { index, host } of cluster.pools) {
    if (host.type.architecture === wanted) continue;
    const before: AwsCluster = changed?.cluster ?? cluster;
    const found = cheapestOfAnyArchitecture(otherMachines(before, at(before.pools, index)), (proposal) => {
      const other = hostAt(proposal.cluster, index);
      const isAsNear = linkRate(proposal.cluster) >= linkRate(before);
      return other.type.architecture === wanted && isAsNear && isAsGood(other, host) && fits(proposal);
    });
    if (found === null) return null;
    changed = changed === null ? found : { ...found, change: bothChanges(changed.change, found.change) };
  }
  return changed;
}

function machinesOf({ front, pools }: AwsCluster): MachineCount[] {
  return [
    { type: front.type.name, count: 1, market: "on-demand" },
    ...pools.map(({ host, count, market }) => ({ type: host.type.name, count, market })),
  ];
}
