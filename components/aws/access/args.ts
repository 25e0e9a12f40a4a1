import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { ClusterContext } from "../naming.ts";
import type { ClusterNetwork } from "../network/index.ts";

export interface AccessArgs {
  context: ClusterContext;
  network: ClusterNetwork;
  frontGroup: aws.ec2.SecurityGroup;
  /** The front's fixed address. Load balancers use it, so they do not depend on the machine. */
  frontAddress: string;
  /** The front's machine. */
  instanceId: pulumi.Output<string>;
  /** Topic for the alarm that the front does not answer; null: no alarm. */
  alarmTopic: pulumi.Output<string> | null;
}
