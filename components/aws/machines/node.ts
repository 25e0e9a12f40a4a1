import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { formatStatus, INITIAL_STATUS } from "../../../aws/machine-status.ts";
import { at } from "../../../config/collections.ts";
import type { MachinePlan } from "../../../plan/resources/plans.ts";
import { type Transform, transformed } from "../../transform.ts";
import { RecoveryAlarms } from "../alarms.ts";
import type { ContainerBoot, NodeBoot } from "../boot/node-boot.ts";
import { renderUserData } from "../boot/user-data.ts";
import type { ModelStore } from "../model/model-store.ts";
import { type ClusterContext, parameterName, tagsOf } from "../naming.ts";
import type { ClusterNetwork } from "../network/index.ts";
import type { ImageSource } from "../registry/images.ts";
import { ServiceRole, type Statement } from "../role.ts";
import type { Scheduler } from "../scheduler.ts";
import type { BootObjects } from "./boot-objects.ts";
import type { MachineImages } from "./machine-images.ts";

/** A container of a machine; its image is an output. */
export type NodeContainer = Omit<ContainerBoot, "image"> & { image: ImageSource };

/** What a front has in addition to a backend; its names are outputs. */
export interface NodeFront {
  keyParameter: pulumi.Input<string>;
  model: { keys: readonly string[]; bytes: number };
  startupSeconds: number;
}

/** What all machines of a cluster share. */
export interface NodeSurroundings {
  context: ClusterContext;
  network: ClusterNetwork;
  placementGroup: aws.ec2.PlacementGroup;
  /** Bucket of the model and of the machines' programs. */
  store: ModelStore;
  scripts: BootObjects;
  /** Starts and stops machines by schedule; null: no schedule. */
  scheduler: Scheduler | null;
  /** Topic for alarms about machines; null: none. */
  alarmTopic: pulumi.Output<string> | null;
  machineImages: MachineImages;
  /** Escape hatch for the machines. @default none */
  transform?: Transform<aws.ec2.InstanceArgs> | undefined;
}

/** The role of a machine: a front has more settings than a backend. */
export type NodeKind = { role: "front"; front: NodeFront } | { role: "backend" };

export type NodeArgs = NodeKind & {
  surroundings: NodeSurroundings;
  machine: MachinePlan;
  group: aws.ec2.SecurityGroup;
  containers: readonly NodeContainer[];
  /** Permissions beyond pulling its images and writing its status. */
  statements: readonly Statement[];
  /** Resources that must exist before the machine starts. */
  after: readonly pulumi.Resource[];
};

/** Longest wait for a machine: if a type is sold out, EC2 refuses within seconds and the provider retries until then. */
const CREATE_TIMEOUT = "10m";
/** Initial value of a machine's status parameter. */
const NOT_STARTED = formatStatus(INITIAL_STATUS);

/**
 * One machine with its containers. Its private address is known in advance and stays when the machine is replaced. It has no
 * key pair and no public address, and its role has only the permissions that it needs.
 *
 * ### Cost
 * The machine and its gp3 volume, see the plan; 0.10 US dollars per month for each alarm.
 */
export class Node extends pulumi.ComponentResource {
  readonly instance: aws.ec2.Instance;
  readonly machineName: string;
  /** SSM parameter for the machine's status. */
  readonly statusParameter: pulumi.Output<string>;

  constructor(name: string, args: NodeArgs, opts?: pulumi.ComponentResourceOptions) {
    const { machine, role, surroundings } = args;
    super(
      "llama-rpc-cluster:aws:Node",
      name,
      { machine: machine.name, role, type: machine.type, market: machine.market, address: machine.address },
      opts,
    );
    const { context, scheduler, alarmTopic } = surroundings;
    const status = this.#status(name, args);
    const permissions = this.#permissions(name, args, status);
    this.instance = this.#instance(name, args, permissions);
    this.machineName = machine.name;
    this.statusParameter = status.name;
    new RecoveryAlarms(
      `${name}-alarms`,
      { context, machine, instanceId: this.instance.id, topic: alarmTopic, role },
      { parent: this },
    );
    scheduler?.keepHours(name, { machine, role, instanceId: this.instance.id }, this);
    this.registerOutputs();
  }

  #status(name: string, args: NodeArgs): aws.ssm.Parameter {
    const { machine, surroundings } = args;
    return new aws.ssm.Parameter(
      `${name}-status`,
      {
        name: parameterName(surroundings.context, `status/${machine.name}`),
        type: "String",
        value: NOT_STARTED,
        description: `What ${machine.name} is at`,
        tags: tagsOfNode(args),
      },
      // Later values come from the machine.
      { parent: this, ignoreChanges: ["value"] },
    );
  }

  /** All permissions of the machine. */
  #permissions(name: string, args: NodeArgs, status: aws.ssm.Parameter): ServiceRole {
    const { machine, role, surroundings } = args;
    return new ServiceRole(
      `${name}-role`,
      {
        context: surroundings.context,
        service: "ec2.amazonaws.com",
        role,
        folder: "nodes",
        purpose: `${machine.name}-role`,
        statements: [
          { Sid: "TellItsState", Action: ["ssm:PutParameter"], Resource: status.arn },
          {
            Sid: "ReadItsPrograms",
            Action: ["s3:GetObject"],
            Resource: pulumi.interpolate`${surroundings.store.arn}/boot/*`,
          },
          ...pullStatements(args.containers),
          ...args.statements,
        ],
      },
      { parent: this },
    );
  }

  #instance(name: string, args: NodeArgs, permissions: ServiceRole): aws.ec2.Instance {
    const { machine, surroundings } = args;
    const { context, network, placementGroup } = surroundings;
    const tags = tagsOfNode(args);
    const profile = new aws.iam.InstanceProfile(
      `${name}-profile`,
      { role: permissions.role.name, path: permissions.role.path, tags },
      { parent: this },
    );
    const address = new aws.ec2.NetworkInterface(
      `${name}-address`,
      {
        subnetId: network.clusterSubnetId,
        privateIps: [machine.address],
        securityGroups: [args.group.id],
        description: `Fixed address of ${machine.name}`,
        tags,
      },
      { parent: this, deleteBeforeReplace: true },
    );
    return new aws.ec2.Instance(
      name,
      transformed(surroundings.transform, {
        ami: surroundings.machineImages.idOf(machine.imageParameter),
        instanceType: machine.type,
        primaryNetworkInterface: { networkInterfaceId: address.id },
        iamInstanceProfile: profile.name,
        userData: renderedUserData(args),
        userDataReplaceOnChange: true,
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        rootBlockDevice: {
          encrypted: true,
          volumeType: "gp3",
          volumeSize: machine.disk.gibibytes,
          throughput: machine.disk.mebibytesPerSecond,
          iops: machine.disk.operationsPerSecond,
          deleteOnTermination: true,
          tags,
        },
        ebsOptimized: true,
        // A machine that shuts itself down is stopped and costs nothing more; its disk stays.
        instanceInitiatedShutdownBehavior: "stop",
        // Protects from users, not from the program, which replaces a machine if its configuration changes. EC2 protects no
        // spot machine, because it must be able to reclaim it.
        disableApiStop: context.plan.isProtected && machine.market !== "spot",
        disableApiTermination: context.plan.isProtected && machine.market !== "spot",
        forceDestroy: true,
        ...(machine.recovery === "automatic" ? { maintenanceOptions: { autoRecovery: "default" } } : {}),
        ...(machine.inPlacementGroup ? { placementGroup: placementGroup.id } : {}),
        ...marketOf(machine),
        tags,
      }),
      {
        parent: this,
        // The address becomes free only when the old machine is deleted.
        deleteBeforeReplace: true,
        // A volume can't shrink, and the file system does not grow with its volume.
        replaceOnChanges: ["rootBlockDevice.volumeSize"],
        // The provider does not read back the capacity block and would replace the machine at every update.
        ...(machine.market === "capacity-block" ? { ignoreChanges: ["instanceMarketOptions"] } : {}),
        customTimeouts: { create: CREATE_TIMEOUT },
        dependsOn: [permissions.policy, ...network.readiness, ...surroundings.scripts.objects, ...args.after],
      },
    );
  }
}

const tagsOfNode = ({ surroundings, role, machine }: NodeArgs) => tagsOf(surroundings.context, role, machine.name);

/** Permissions to pull from the repositories of the machine's own images. */
function pullStatements(containers: readonly NodeContainer[]): Statement[] {
  const repositories = containers.flatMap(({ image }) => image.repositoryArn ?? []);
  const [first] = repositories;
  if (first === undefined) return [];
  return [
    { Sid: "SignInToTheRegistry", Action: ["ecr:GetAuthorizationToken"], Resource: "*" },
    { Sid: "PullItsImages", Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], Resource: first },
  ];
}

function renderedUserData(args: NodeArgs): pulumi.Output<string> {
  const { surroundings, machine, containers } = args;
  const front = args.role === "front" ? args.front : null;
  const { stack, plan } = surroundings.context;
  return pulumi
    .all([
      pulumi.all(containers.map(({ image }) => image.reference)),
      surroundings.store.bucket,
      front?.keyParameter ?? "",
    ])
    .apply(([references, bucket, keyParameter]) => {
      const node: NodeBoot = {
        stack,
        machine: machine.name,
        region: plan.region,
        statusParameter: parameterName(surroundings.context, `status/${machine.name}`),
        containers: containers.map((container, index) => ({ ...container, image: at(references, index) })),
        bucket,
        front: front === null ? null : { ...front, keyParameter, model: { ...front.model, bucket } },
        stopAfterIdleMinutes: plan.guardrails.stopAfterIdleMinutes,
        stopAfterHours: plan.guardrails.stopAfterHours,
        instanceStore: machine.instanceStore,
      };
      return renderUserData(node);
    });
}

/** The purchase option. EC2 stops a spot machine to reclaim it, and later starts it with the same disk and address. */
function marketOf({ market, reservation }: MachinePlan): Partial<aws.ec2.InstanceArgs> {
  const inReservation =
    reservation === null
      ? {}
      : {
          capacityReservationSpecification: { capacityReservationTarget: { capacityReservationId: reservation } },
        };
  switch (market) {
    case "on-demand":
      return inReservation;
    case "capacity-block":
      return { ...inReservation, instanceMarketOptions: { marketType: "capacity-block" } };
    case "spot":
      return {
        instanceMarketOptions: {
          marketType: "spot",
          spotOptions: { spotInstanceType: "persistent", instanceInterruptionBehavior: "stop" },
        },
      };
  }
}
