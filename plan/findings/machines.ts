/** Findings about what machines are and where they can be had. */

import { REGIONS, type Region } from "../../config/regions.ts";
import type { ClusterConfig } from "../../config/schema/index.ts";
import type { Architecture } from "../../config/words.ts";
import { findMachineType, type MachineType } from "../catalog/index.ts";
import { type MachineCount, vcpusByQuota } from "../catalog/quotas.ts";
import { architectureOf, backendsPerMachine, frontHost, type Host, poolHost } from "../hosts/hosts.ts";
import type { ModelFacts } from "../model/facts.ts";
import type { Placement } from "../placement/index.ts";
import { reaches, remedyOf } from "../remedies/aws.ts";
import {
  cheapestOfAll,
  cheapestThat,
  hasDriver,
  otherFronts,
  otherMachines,
  type Proposal,
} from "../remedies/candidates.ts";
import { backendsHoldAll, changeOf, everythingFits, type Remedy } from "../remedies/memory.ts";
import { deviceSpeed, linkBetween } from "../speed/rates.ts";
import type { Check, Observation } from "./situation.ts";

/** Says which machines the region does not sell. */
export const typesAreOffered: Check = ({ config }) => {
  const { aws, backends } = config;
  if (aws === undefined) return [];
  const holders = [
    { path: "front.machine", others: () => otherFronts(config), hostOf: frontHost },
    ...backends.map((_, index) => ({
      path: `backends[${index}].machine`,
      others: () => otherMachines(config, index),
      hostOf: (changed: ClusterConfig) => hostAt(changed, index),
    })),
  ];
  return holders.flatMap(({ path, others, hostOf }): Observation[] => {
    const host = hostOf(config);
    const { type } = host;
    if (type === null || isOffered(type, aws.region)) return [];
    const found = cheapestThat(others(), (proposal) => isComparable(hostOf(proposal.config), host));
    const elsewhere = found === null ? otherRegion(config, aws.region) : null;
    const remedy = remedyOf(found, config) ?? elsewhere;
    return [
      {
        code: "type-not-offered",
        severity: "error",
        path: elsewhere?.change.path ?? path,
        message: `Region ${aws.region} does not sell ${type.name} on demand.`,
        remedy: remedy?.sentence ?? "Choose another type; `npm run advise` proposes some.",
        ...changeOf(remedy),
      },
    ];
  });
};

/** Says which pools want spot machines of a type that is never sold so. */
export const spotIsOffered: Check = ({ config: { aws, backends } }) =>
  backends.flatMap((pool, index): Observation[] => {
    const type = poolHost(pool).type;
    if (aws === undefined || type === null || pool.market !== "spot" || type.spot) return [];
    const path = `backends[${index}].market`;
    return [
      {
        code: "type-not-offered",
        severity: "error",
        path,
        message: `EC2 never sells ${type.name} as spot.`,
        remedy: `Set ${path} to on-demand.`,
        change: { path, value: "on-demand" },
      },
    ];
  });

/** Says which pools have GPUs that the machine image of EC2 has no driver for. */
export const gpusHaveDrivers: Check = ({ config }) =>
  config.backends.flatMap((pool, index): Observation[] => {
    const host = poolHost(pool);
    const { type, flavour } = host;
    if (type === null || type.gpu === null || flavour === "cpu" || hasDriver(type)) return [];
    const path = `backends[${index}].machine`;
    const found = cheapestThat(otherMachines(config, index), (proposal) =>
      isComparable(hostAt(proposal.config, index), host),
    );
    const remedy = remedyOf(found, config);
    const needs = type.gpu.partition < 1 ? "a part of a GPU, which needs NVIDIA's GRID driver" : "too old a GPU for it";
    return [
      {
        code: "gpu-driver-missing",
        severity: "error",
        path,
        message: `The machine image has no driver for ${type.name}: it has ${needs}.`,
        remedy: remedy?.sentence ?? "Choose a type with a whole, newer GPU.",
        ...changeOf(remedy),
      },
    ];
  });

/** Says where machines of both architectures make more images necessary. */
export const oneArchitecture: Check = ({ config, facts, placement }) => {
  const front = architectureOf(frontHost(config), "amd64");
  const pools = config.backends.map((pool) => architectureOf(poolHost(pool), "amd64"));
  if (config.aws === undefined || placement === null || new Set([front, ...pools]).size === 1) return [];
  const remedy = unified(config, facts, placement, front, pools);
  // It works as it is: without a remedy there is nothing to say.
  if (remedy === null) return [];
  return [
    {
      code: "mixed-architectures",
      severity: "advice",
      path: remedy.change.path,
      message: `The front is ${front}, the backends are ${[...new Set(pools)].join(" and ")}: images have to be built for both architectures.`,
      remedy: remedy.sentence,
      change: remedy.change,
    },
  ];
};

/** Says which quotas of the account have to be raised first. */
export const quotasSuffice: Check = ({ config }) => {
  const { aws } = config;
  if (aws === undefined) return [];
  const needed = vcpusByQuota(machinesOf(config));
  const lacking = [...needed].filter(([code, vcpus]) => vcpus > (aws.vcpuQuotas[code] ?? 0));
  if (lacking.length === 0) return [];
  const texts = lacking.map(
    ([code, vcpus]) => `${vcpus} vCPUs of ${code}, of which ${aws.vcpuQuotas[code] ?? 0} are given`,
  );
  const value = { ...aws.vcpuQuotas, ...Object.fromEntries(lacking) };
  return [
    {
      code: "quota-needed",
      severity: "advice",
      path: "aws.vcpuQuotas",
      message: `The machines need ${texts.join(", and ")}.`,
      remedy: `Look at Service Quotas of EC2 in ${aws.region}, ask for what your account lacks, and set aws.vcpuQuotas to ${JSON.stringify(value)}.`,
      change: { path: "aws.vcpuQuotas", value },
    },
  ];
};

/** All that looks at the machines themselves. */
export const MACHINE_CHECKS: readonly Check[] = [
  typesAreOffered,
  spotIsOffered,
  gpusHaveDrivers,
  oneArchitecture,
  quotasSuffice,
];

function isOffered({ usdPerHour }: MachineType, region: Region): boolean {
  return usdPerHour[region] !== undefined;
}

/** Whether a host has as many devices as another one, and each as much memory. */
function isComparable(host: Host, wanted: Host): boolean {
  const isSame = backendsPerMachine(host.type, host.flavour) === backendsPerMachine(wanted.type, wanted.flavour);
  return isSame && host.capacityBytes >= wanted.capacityBytes;
}

/** Whether it is comparable and reads its memory as fast. */
function isAsGood(host: Host, wanted: Host): boolean {
  const speed = ({ type, flavour }: Host) => (type === null ? 0 : deviceSpeed(type, null, flavour).bytesPerSecond);
  return isComparable(host, wanted) && speed(host) >= speed(wanted);
}

/** Rate of the slowest connection between the front and a backend. */
function linkRate(config: ClusterConfig): number {
  const front = frontHost(config).type;
  const types = config.backends.map((pool) => poolHost(pool).type);
  return Math.min(
    ...types.map((type) => (front === null || type === null ? 0 : linkBetween(front, type).bytesPerSecond)),
  );
}

/** What the backends of a pool run on. */
function hostAt({ backends }: ClusterConfig, index: number): Host {
  const pool = backends[index];
  if (pool === undefined) throw new Error(`there is no pool ${index}`);
  return poolHost(pool);
}

/** A region that sells every machine of the cluster. */
function otherRegion(config: ClusterConfig, present: Region): Remedy | null {
  const names = [config.front.machine, ...config.backends.map(({ machine }) => machine)];
  const types = names.flatMap((name) => (name === undefined ? [] : (findMachineType(name) ?? [])));
  const region = REGIONS.find((other) => other !== present && types.every((type) => isOffered(type, other)));
  if (region === undefined) return null;
  return { change: { path: "aws.region", value: region }, sentence: `Set aws.region to ${region}.` };
}

/** The cheaper way to one architecture: another front, or other pools that are as good. */
function unified(
  config: ClusterConfig,
  facts: ModelFacts,
  placement: Placement,
  front: Architecture,
  pools: readonly Architecture[],
): Remedy | null {
  const isWhole = placement.frontLayers === 0;
  const share = isWhole ? "all" : "with the front";
  // What does not fit now need not fit then.
  const fits = placement.fits ? reaches(facts, isWhole ? backendsHoldAll : everythingFits, share) : () => true;
  const [wanted] = pools;
  const byFront = cheapestOfAll(otherFronts(config), (proposal) => {
    const host = frontHost(proposal.config);
    // An idle GPU costs more than a second set of images.
    if (host.type?.gpu !== null) return false;
    const isOne = pools.every((architecture) => architecture === wanted && architectureOf(host, front) === wanted);
    const isEnough = host.capacityBytes >= placement.front.totalBytes && linkRate(proposal.config) >= linkRate(config);
    return isOne && isEnough && fits(proposal);
  });
  const byPools = poolsOf(config, front, pools, fits);
  const [best] = [byFront, byPools].filter((found) => found !== null).sort((a, b) => a.usdPerHour - b.usdPerHour);
  return remedyOf(best ?? null, config);
}

/** Every pool of another architecture on the cheapest machines of this one that are as good. */
function poolsOf(
  config: ClusterConfig,
  wanted: Architecture,
  pools: readonly Architecture[],
  fits: (proposal: Proposal) => boolean,
): Proposal | null {
  let changed: Proposal | null = null;
  for (const [index, architecture] of pools.entries()) {
    if (architecture === wanted) continue;
    const before: ClusterConfig = changed?.config ?? config;
    const found = cheapestOfAll(otherMachines(before, index), (proposal) => {
      const isWanted = architectureOf(hostAt(proposal.config, index), architecture) === wanted;
      const isAsNear = linkRate(proposal.config) >= linkRate(before);
      return isWanted && isAsNear && isAsGood(hostAt(proposal.config, index), hostAt(config, index)) && fits(proposal);
    });
    if (found === null) return null;
    changed = changed === null ? found : joined(changed, found);
  }
  return changed;
}

/** Two changes of pools as one. */
function joined(first: Proposal, second: Proposal): Proposal {
  return {
    ...second,
    change: { path: "backends", value: second.config.backends },
    what: `${first.what} and ${second.what}`,
  };
}

function machinesOf({ front, backends }: ClusterConfig): MachineCount[] {
  const orders = [{ machine: front.machine, count: 1, market: undefined }, ...backends];
  return orders.flatMap(({ machine: type, count, market }) =>
    type === undefined ? [] : [{ type, count, market: market ?? "on-demand" }],
  );
}
