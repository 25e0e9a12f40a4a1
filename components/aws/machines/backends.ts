import * as pulumi from "@pulumi/pulumi";
import type { ClusterPlan } from "../../../plan/plan.ts";
import type { BackendPlan, FrontPlan } from "../../../plan/resources/plans.ts";
import { rented } from "../../../plan/resources/rented.ts";
import { formerly } from "../../aliases.ts";
import type { SecurityGroups } from "../network/security.ts";
import type { ClusterImages } from "../registry/images.ts";
import { Node, type NodeContainer, type NodeSurroundings } from "./node.ts";

export interface BackendsArgs {
  surroundings: NodeSurroundings;
  plan: ClusterPlan;
  groups: SecurityGroups;
  images: ClusterImages;
}

/** The machines that run `ggml-rpc-server`, one server for each GPU of a machine. Only the front reaches them. */
export class Backends extends pulumi.ComponentResource {
  /** In the order of the plan. */
  readonly nodes: readonly Node[];

  constructor(name: string, args: BackendsArgs, opts?: pulumi.ComponentResourceOptions) {
    const { surroundings, plan, groups, images } = args;
    super("llama-rpc-cluster:aws:Backends", name, { backends: plan.backends.map((backend) => backend.name) }, opts);
    this.nodes = (rented(plan)?.others ?? []).map(
      ({ machine, backends }) =>
        new Node(
          `${name}-${machine.name}`,
          {
            surroundings,
            machine,
            role: "backend",
            group: groups.backend,
            containers: backends.map((backend) => containerOf(backend, images)),
            statements: [],
            after: groups.rules,
          },
          { parent: this, ...formerly(`${name}-${machine.name}`, machine.name) },
        ),
    );
    this.registerOutputs();
  }
}

function containerOf(backend: BackendPlan, images: ClusterImages): NodeContainer {
  return nodeContainer(backend.name, "backend", backend, images);
}

/** A container from its plan. */
export function nodeContainer(
  name: string,
  role: NodeContainer["role"],
  plan: BackendPlan | FrontPlan,
  images: ClusterImages,
): NodeContainer {
  return {
    name,
    role,
    image: images.imageOf(plan.flavour, role, plan.architecture),
    environment: plan.environment,
    arguments: plan.arguments,
    gpus: plan.gpus,
    memoryBytes: plan.containerMemoryBytes,
  };
}
