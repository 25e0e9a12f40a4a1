import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { MachinePlan } from "../../plan/resources/plans.ts";
import { type ClusterContext, physicalName, type ResourceRole, tagsOf } from "./naming.ts";

export interface RecoveryAlarmsArgs {
  context: ClusterContext;
  machine: MachinePlan;
  instanceId: pulumi.Output<string>;
  /** Who is told; null: nobody. */
  topic: pulumi.Output<string> | null;
  role: ResourceRole;
}

/** A check that fails in so many minutes one after the other is no hiccup. */
const FAILED_MINUTES = 3;

/**
 * Watches one machine. EC2 moves machines of most types off broken hardware by itself; one of the others is started again
 * where its system hangs, and its owner is told where its hardware is broken: only a stop and a start moves it then.
 *
 * ### Cost
 * 0.10 US dollars per month and alarm; none where EC2 recovers the machine and nobody wants to be told.
 */
export class RecoveryAlarms extends pulumi.ComponentResource {
  constructor(name: string, args: RecoveryAlarmsArgs, opts?: pulumi.ComponentResourceOptions) {
    const { context, machine, topic, role } = args;
    super(
      "llama-rpc-cluster:aws:RecoveryAlarms",
      name,
      { machine: machine.name, recovery: machine.recovery, notifies: topic !== null },
      opts,
    );
    const alarm = (kind: string, metricName: string, description: string, actions: pulumi.Input<string>[]) =>
      new aws.cloudwatch.MetricAlarm(
        `${name}-${kind}`,
        {
          name: physicalName(context, `${machine.name}-${kind}`),
          alarmDescription: description,
          namespace: "AWS/EC2",
          metricName,
          dimensions: { InstanceId: args.instanceId },
          statistic: "Maximum",
          period: 60,
          evaluationPeriods: FAILED_MINUTES,
          threshold: 1,
          comparisonOperator: "GreaterThanOrEqualToThreshold",
          // A machine that is stopped has no checks.
          treatMissingData: "notBreaching",
          alarmActions: actions,
          tags: tagsOf(context, role, `${machine.name}-${kind}`),
        },
        { parent: this },
      );
    const told = topic === null ? [] : [topic];
    if (machine.recovery === "alarms") {
      const reboot = `arn:aws:automate:${context.plan.region}:ec2:reboot`;
      alarm("hangs", "StatusCheckFailed_Instance", `${machine.name} hangs: it is started again`, [reboot, ...told]);
    }
    if (topic !== null) {
      const remedy = "if its hardware is broken and EC2 does not move it by itself, stop and start it";
      alarm("broken", "StatusCheckFailed_System", `${machine.name} is broken: ${remedy}`, [topic]);
    }
    this.registerOutputs();
  }
}
