import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { MachinePlan } from "../../plan/resources/plans.ts";
import type { SchedulePlan } from "../../plan/resources/schedule.ts";
import { type ClusterContext, physicalName, tagsOf } from "./naming.ts";
import { ServiceRole } from "./role.ts";

/** A machine that is started and stopped by schedule. */
export interface ScheduledMachine {
  machine: MachinePlan;
  role: "front" | "backend";
  instanceId: pulumi.Output<string>;
}

/** How long a start is retried if EC2 has no capacity. */
const RETRY_SECONDS = 3600;
const RETRIES = 20;

/**
 * Starts and stops machines by schedule: it starts the backends before the front and stops the front before the backends.
 * Each machine has two schedules of its own, so adding or removing a machine does not change the others.
 *
 * ### Cost
 * None: 14 million calls a month are free.
 */
export class Scheduler extends pulumi.ComponentResource {
  readonly #plan: SchedulePlan;
  readonly #group: aws.scheduler.ScheduleGroup;
  readonly #role: ServiceRole;

  constructor(
    name: string,
    args: { context: ClusterContext; plan: SchedulePlan },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const { context, plan } = args;
    super("llama-rpc-cluster:aws:Scheduler", name, { ...plan }, opts);
    this.#plan = plan;
    this.#group = new aws.scheduler.ScheduleGroup(
      name,
      { name: physicalName(context, "hours"), tags: tagsOf(context, "guardrail", "hours") },
      { parent: this },
    );
    const { accountId } = aws.getCallerIdentityOutput({}, { parent: this });
    this.#role = new ServiceRole(
      `${name}-role`,
      {
        context,
        service: "scheduler.amazonaws.com",
        role: "guardrail",
        folder: "services",
        purpose: "hours-role",
        statements: [
          {
            Sid: "StartAndStopTheClustersMachines",
            Action: ["ec2:StartInstances", "ec2:StopInstances"],
            Resource: pulumi.interpolate`arn:aws:ec2:${context.plan.region}:${accountId}:instance/*`,
            Condition: { StringEquals: { "aws:ResourceTag/llama-rpc-cluster/stack": context.stack } },
          },
        ],
      },
      { parent: this },
    );
    this.registerOutputs();
  }

  /** Adds the schedules of one machine. */
  keepHours(name: string, scheduled: ScheduledMachine, parent: pulumi.Resource): void {
    const { role } = scheduled;
    const { startFront, startBackends, stopFront, stopBackends } = this.#plan;
    this.#schedule(`${name}-start`, "startInstances", role === "front" ? startFront : startBackends, scheduled, parent);
    this.#schedule(`${name}-stop`, "stopInstances", role === "front" ? stopFront : stopBackends, scheduled, parent);
  }

  #schedule(
    name: string,
    action: "startInstances" | "stopInstances",
    expression: string,
    { machine, instanceId }: ScheduledMachine,
    parent: pulumi.Resource,
  ): void {
    new aws.scheduler.Schedule(
      name,
      {
        // Unique in its group; with 64 characters there is no room for the stack's name.
        name: `${machine.name}-${action === "startInstances" ? "start" : "stop"}`,
        groupName: this.#group.name,
        scheduleExpression: expression,
        scheduleExpressionTimezone: this.#plan.timeZone,
        flexibleTimeWindow: { mode: "OFF" },
        target: {
          arn: `arn:aws:scheduler:::aws-sdk:ec2:${action}`,
          roleArn: this.#role.role.arn,
          input: pulumi.jsonStringify({ InstanceIds: [instanceId] }),
          retryPolicy: { maximumEventAgeInSeconds: RETRY_SECONDS, maximumRetryAttempts: RETRIES },
        },
      },
      { parent, dependsOn: [this.#role.policy] },
    );
  }
}
