import * as pulumi from "@pulumi/pulumi";
import type { ModelFile } from "../../../aws/transfer/model-files.ts";
import type { ClusterPlan } from "../../../plan/plan.ts";
import type { AccessPlan } from "../../../plan/resources/access.ts";
import { rented } from "../../../plan/resources/rented.ts";
import { formerly } from "../../aliases.ts";
import type { ApiKey } from "../api-key.ts";
import { bootFollowed, modelInPlace } from "../hooks.ts";
import type { SecurityGroups } from "../network/security.ts";
import type { ClusterImages } from "../registry/images.ts";
import type { Statement } from "../role.ts";
import { type Backends, nodeContainer } from "./backends.ts";
import { Node, type NodeSurroundings } from "./node.ts";

export interface FrontArgs {
  surroundings: NodeSurroundings;
  plan: ClusterPlan;
  groups: SecurityGroups;
  images: ClusterImages;
  key: ApiKey;
  /** The front is created after them and removed before them. */
  backends: Backends;
  /** Files of the model, with their sources. */
  modelFiles: readonly ModelFile[];
}

/** Longest time from a machine's start to its container's start: boot, packages and image. */
const BOOT_SECONDS = 1200;

/**
 * The machine that runs `llama-server`, connected to the backends' addresses. It is created when the bucket holds the model,
 * and `up` ends when it has answered.
 */
export class Front extends pulumi.ComponentResource {
  readonly node: Node;

  constructor(name: string, args: FrontArgs, opts?: pulumi.ComponentResourceOptions) {
    const { surroundings, plan, groups, images, key, backends } = args;
    super("llama-rpc-cluster:aws:Front", name, { model: plan.model.name, address: plan.front.address }, opts);
    const { context, store } = surroundings;
    const machine = rented(plan)?.front;
    if (machine === undefined) throw new Error("The plan has no machine for the front.");
    const connection = { region: context.plan.region };
    const model = modelInPlace(
      `${name}-model`,
      {
        connection,
        bucket: store.bucket,
        files: args.modelFiles,
        ...(store.importProject === null ? {} : { importProject: store.importProject }),
      },
      { parent: this, dependsOn: [...store.readiness], ...formerly(`${name}-model`, "model") },
    );
    this.node = new Node(
      name,
      {
        surroundings,
        machine,
        role: "front",
        group: groups.front,
        containers: [nodeContainer("front", "server", plan.front, images)],
        front: {
          keyParameter: key.parameter.name,
          model: { keys: context.plan.model.keys, bytes: context.plan.model.bytes },
          startupSeconds: plan.front.startupSeconds,
        },
        statements: [
          { Sid: "ReadTheKey", Action: ["ssm:GetParameter"], Resource: key.parameter.arn },
          { Sid: "ReadTheModel", Action: ["s3:GetObject"], Resource: pulumi.interpolate`${store.arn}/models/*` },
          ...sessionStatements(context.plan.access.mode),
        ],
        after: [model, ...groups.rules, ...backends.nodes.map(({ instance }) => instance)],
      },
      { parent: this },
    );
    if (context.plan.waitsForFront) {
      bootFollowed(
        `${name}-boot`,
        {
          connection,
          front: followed(this.node),
          backends: backends.nodes.map(followed),
          timeoutSeconds: plan.front.startupSeconds + BOOT_SECONDS,
        },
        { parent: this, ...formerly(`${name}-boot`, "boot") },
      );
    }
    this.registerOutputs();
  }
}

function followed(node: Node) {
  return { machine: node.machineName, instanceId: node.instance.id, statusParameter: node.statusParameter };
}

/** Permissions that the SSM agent needs for a session. These actions do not support resource-level permissions. */
function sessionStatements(mode: AccessPlan["mode"]): Statement[] {
  if (mode !== "ssm") return [];
  return [
    {
      Sid: "TakeSessions",
      Action: [
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
      ],
      Resource: "*",
    },
  ];
}
