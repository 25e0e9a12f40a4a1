import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { ClusterContext } from "../naming.ts";
import type { ClusterNetwork } from "../network/index.ts";

export interface AccessArgs {
  context: ClusterContext;
  network: ClusterNetwork;
  frontGroup: aws.ec2.SecurityGroup;
  /** The front's fixed address: load balancers need not know which machine has it. */
  frontAddress: string;
  /** The front's machine. */
  instanceId: pulumi.Output<string>;
  /** Who is told when the front does not answer; null: nobody. */
  alarmTopic: pulumi.Output<string> | null;
}
