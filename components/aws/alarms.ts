import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { MachinePlan } from "../../plan/resources/plans.ts";
import { type ClusterContext, physicalName, type ResourceRole, tagsOf } from "./naming.ts";

export interface RecoveryAlarmsArgs {
  context: ClusterContext;
  machine: MachinePlan;
  instanceId: pulumi.Output<string>;
  /** Topic for the alarms; null: none. */
  topic: pulumi.Output<string> | null;
  role: ResourceRole;
}

/** Consecutive minutes with a failed check before the alarm. */
const FAILED_MINUTES = 3;

/**
 * Watches one machine. EC2 moves machines of most types off broken hardware by itself. A machine of another type is rebooted
 * if its system hangs, and an alarm reports broken hardware, because only a stop and a start moves it then.
 *
 * ### Cost
 * 0.10 US dollars per month and alarm; none if EC2 recovers the machine and no topic is given.
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
          // A stopped machine has no checks.
          treatMissingData: "notBreaching",
          alarmActions: actions,
          tags: tagsOf(context, role, `${machine.name}-${kind}`),
        },
        { parent: this },
      );
    const notify = topic === null ? [] : [topic];
    if (machine.recovery === "alarms") {
      const reboot = `arn:aws:automate:${context.plan.region}:ec2:reboot`;
      alarm("hangs", "StatusCheckFailed_Instance", `${machine.name} hangs: it is started again`, [reboot, ...notify]);
    }
    if (topic !== null) {
      const remedy = "if its hardware is broken and EC2 does not move it by itself, stop and start it";
      alarm("broken", "StatusCheckFailed_System", `${machine.name} is broken: ${remedy}`, [topic]);
    }
    this.registerOutputs();
  }
}
