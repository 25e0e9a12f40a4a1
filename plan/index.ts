/** From a configuration and a model's facts to everything that is decided before anything exists. Pure. */

import type { ClusterConfig } from "../config/schema.ts";
import { memoryBytes } from "../config/units.ts";
import { findingsOf } from "./findings.ts";
import { backendFlags, FRONT_PORT, frontFlags, RPC_PORT } from "./flags.ts";
import type { ModelFacts } from "./model/facts.ts";
import { addresses, privateCidr } from "./network.ts";
import { type Placement, place, slotsOf } from "./placement.ts";
import { tensorSplitOf } from "./split.ts";
import { startupSeconds } from "./startup.ts";
import type {
  Architecture,
  BackendPlan,
  ClusterPlan,
  Finding,
  FrontPlan,
  ImagePlan,
  LayerRange,
  MemoryPlan,
} from "./types.ts";

export { ModelError, type ModelFacts, readModelFacts } from "./model/facts.ts";
export { lookUpModel } from "./model/look-up.ts";
export type { ModelAccess } from "./model/sources.ts";
export type * from "./types.ts";

/** What a plan depends on besides the configuration and the model. */
export interface PlanContext {
  /** Name of the stack. */
  stack: string;
  /** Architecture of the machine that runs the containers. @default "amd64" */
  architecture?: Architecture;
}

/** A plan that must not be carried out. The message holds every error with its remedy and is meant for the user. */
export class PlanRefused extends Error {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    const lines = findings.map(({ code, number, path, message, remedy }) =>
      [`  ${path === undefined ? "" : `${path}: `}${message}`, `    ${remedy} (${number} ${code})`].join("\n"),
    );
    super(["The plan can't be carried out:", ...lines].join("\n"));
    this.name = "PlanRefused";
    this.findings = findings;
  }
}

/** Hands the plan back if it can be carried out. @throws {PlanRefused} with every error otherwise */
export function assertRunnable(plan: ClusterPlan): ClusterPlan {
  const errors = plan.findings.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new PlanRefused(errors);
  return plan;
}

/** Plans a cluster. What can't work is said by the plan's findings; see {@link assertRunnable}. */
export function planCluster(config: ClusterConfig, facts: ModelFacts, context: PlanContext): ClusterPlan {
  const placement = place(config, facts);
  const cidr = privateCidr(config.access.privateCidr, context.stack);
  const architecture = context.architecture ?? "amd64";
  const backends = backendPlans(config, placement, cidr, architecture);
  return {
    target: config.target,
    model: {
      source: facts.source,
      file: facts.file,
      ...(facts.furtherFiles === undefined ? {} : { furtherFiles: facts.furtherFiles }),
      fileName: facts.fileName,
      name: facts.name,
      architecture: facts.architecture,
      fileBytes: facts.fileBytes,
      layers: facts.layers,
      contextTokens: config.model.contextTokens,
      trainedContextTokens: facts.trainedContextTokens,
      parallelSlots: config.model.parallelSlots,
      quantization: facts.quantization,
    },
    network: { cidr },
    front: { ...frontPlan(config, facts, placement, cidr, backends), architecture },
    backends,
    images: imagePlans(config, architecture),
    tensorSplit: tensorSplitOf(placement?.counts ?? []),
    hourlyUsd: 0,
    findings: findingsOf({ config, facts, placement }),
  };
}

function frontPlan(
  config: ClusterConfig,
  facts: ModelFacts,
  placement: Placement | null,
  cidr: string,
  backends: readonly BackendPlan[],
): Omit<FrontPlan, "architecture"> {
  const { front } = config;
  const frontLayers = placement?.frontLayers ?? 0;
  const seconds = startupSeconds(facts.fileBytes);
  const flags = frontFlags(config, {
    modelFileName: facts.fileName,
    rpcBackends: backends.map(({ address, port }) => `${address}:${port}`),
    tensorSplit: tensorSplitOf(placement?.counts ?? []),
    offloadedLayers: facts.layers + 1 - frontLayers,
    startupSeconds: seconds,
  });
  return {
    flavour: front.flavour,
    address: addresses(cidr).front,
    port: FRONT_PORT,
    hostAddress: "127.0.0.1",
    hostPort: front.hostPort,
    layers: frontLayers === 0 ? null : layerRange(0, frontLayers),
    memory: placement?.front ?? noMemory(memoryBytes(front.memory)),
    containerMemoryBytes: memoryBytes(front.memory),
    threads: front.threads,
    gpus: front.flavour === "cuda" ? (front.gpus ?? "all") : null,
    ...flags,
    startupSeconds: seconds,
  };
}

function backendPlans(
  config: ClusterConfig,
  placement: Placement | null,
  cidr: string,
  architecture: Architecture,
): BackendPlan[] {
  const slots = slotsOf(config);
  let next = placement?.frontLayers ?? 0;
  return slots.map(({ pool, index }, device) => {
    const count = placement?.counts[device] ?? 0;
    const layers = layerRange(next, count);
    next += count;
    const capacityBytes = memoryBytes(pool.memory);
    return {
      name: `${pool.name}-${index}`,
      pool: pool.name,
      flavour: pool.flavour,
      architecture,
      address: addresses(cidr).backend(device),
      port: RPC_PORT,
      device: `RPC${device}`,
      layers,
      holdsOutput: device === slots.length - 1,
      memory: placement?.backends[device] ?? noMemory(capacityBytes),
      containerMemoryBytes: capacityBytes,
      threads: pool.threads,
      gpus: pool.flavour === "cuda" ? (pool.gpus ?? "all") : null,
      ...backendFlags(pool),
    };
  });
}

function imagePlans(config: ClusterConfig, architecture: Architecture): ImagePlan[] {
  const backends = new Set(config.backends.map(({ flavour }) => flavour));
  return [
    { flavour: config.front.flavour, role: "server", architecture },
    ...[...backends].map((flavour): ImagePlan => ({ flavour, role: "backend", architecture })),
  ];
}

function layerRange(first: number, count: number): LayerRange {
  return { first, last: first + count - 1, count };
}

function noMemory(capacityBytes: number): MemoryPlan {
  return { weightsBytes: 0, kvCacheBytes: 0, computeBytes: 0, reserveBytes: 0, totalBytes: 0, capacityBytes };
}
