/** Reads the state of a cluster's machines: their status parameters, EC2's answer and their consoles. */

import type * as EC2 from "@aws-sdk/client-ec2";
import type * as SSM from "@aws-sdk/client-ssm";
import { type AwsConnection, clientOptions } from "../connection.ts";
import { type NodeStatus, parseStatus, statusInConsole } from "../machine-status.ts";

/** One machine that starts. */
export interface BootMachine {
  /** `front`, or the plan's name of the machine. */
  machine: string;
  /** EC2's id of the instance. */
  instanceId: string;
  /** Name of the SSM parameter that holds its status. */
  statusParameter: string;
}

/** What one check found about a machine. */
export interface Sighting {
  /** Null until this start has written something. */
  status: NodeStatus | null;
  /** EC2's state: `running`, `stopped`, …; null if EC2 does not know the instance yet. */
  instance: { state: string; reason: string } | null;
}

/** Limit of one call of ssm:GetParameters. */
const PARAMETERS_AT_ONCE = 10;

/** Reads the state of machines again and again, with clients that it keeps open. */
export class Watch {
  /** The front first. */
  readonly #machines: readonly BootMachine[];
  readonly #ssm: { sdk: typeof SSM; client: SSM.SSMClient };
  readonly #ec2: { sdk: typeof EC2; client: EC2.EC2Client };
  readonly #sending: { abortSignal?: AbortSignal };

  private constructor(
    machines: readonly BootMachine[],
    ssm: { sdk: typeof SSM; client: SSM.SSMClient },
    ec2: { sdk: typeof EC2; client: EC2.EC2Client },
    signal: AbortSignal | undefined,
  ) {
    this.#machines = machines;
    this.#ssm = ssm;
    this.#ec2 = ec2;
    this.#sending = signal === undefined ? {} : { abortSignal: signal };
  }

  /**
   * Watches these machines, the front first. Loads the AWS SDK here, because a preview does not need it.
   */
  static async over(
    machines: readonly BootMachine[],
    connection: AwsConnection,
    signal: AbortSignal | undefined,
  ): Promise<Watch> {
    const [ssm, ec2] = await Promise.all([import("@aws-sdk/client-ssm"), import("@aws-sdk/client-ec2")]);
    const options = clientOptions(connection);
    return new Watch(
      machines,
      { sdk: ssm, client: new ssm.SSMClient(options) },
      { sdk: ec2, client: new ec2.EC2Client(options) },
      signal,
    );
  }

  close(): void {
    this.#ssm.client.destroy();
    this.#ec2.client.destroy();
  }

  /**
   * The state of each machine, by its name.
   *
   * A parameter outlives its machine, so it may hold the `ready` of an earlier start. A status counts only if SSM stored it
   * after EC2 launched the present instance. Both times come from AWS's clocks, not from the operator's or the machine's. A
   * start after a stop counts as a launch. The front's status must also be newer than the launch of every backend, because
   * an older one describes a front that used another machine at a backend's address.
   */
  async look(): Promise<Map<string, Sighting>> {
    const [instances, parameters] = await Promise.all([this.#instances(), this.#parameters()]);
    const launches = this.#machines.map(
      ({ instanceId }) => instances.get(instanceId)?.launchedAt ?? Number.POSITIVE_INFINITY,
    );
    const youngest = Math.max(...launches);
    return new Map(
      this.#machines.map(({ machine, statusParameter }, index) => {
        const instance = instances.get(this.#machines[index]?.instanceId ?? "");
        const parameter = parameters.get(statusParameter);
        const since = index === 0 ? youngest : (launches[index] ?? Number.POSITIVE_INFINITY);
        return [
          machine,
          {
            status: parameter !== undefined && parameter.at >= since ? parameter.status : null,
            instance: instance === undefined ? null : { state: instance.state, reason: instance.reason },
          },
        ];
      }),
    );
  }

  async #parameters(): Promise<Map<string, { status: NodeStatus | null; at: number }>> {
    const { sdk, client } = this.#ssm;
    const found = new Map<string, { status: NodeStatus | null; at: number }>();
    for (let from = 0; from < this.#machines.length; from += PARAMETERS_AT_ONCE) {
      const Names = this.#machines.slice(from, from + PARAMETERS_AT_ONCE).map(({ statusParameter }) => statusParameter);
      const answer = await client.send(new sdk.GetParametersCommand({ Names }), this.#sending);
      for (const { Name, Value, LastModifiedDate } of answer.Parameters ?? []) {
        if (Name === undefined || Value === undefined || LastModifiedDate === undefined) continue;
        const status = parseStatus(Value);
        // The initial value of the parameter was not written by a machine.
        found.set(Name, { status: status?.seconds === 0 ? null : status, at: LastModifiedDate.getTime() });
      }
    }
    return found;
  }

  async #instances(): Promise<Map<string, { state: string; reason: string; launchedAt: number }>> {
    const { sdk, client } = this.#ec2;
    const found = new Map<string, { state: string; reason: string; launchedAt: number }>();
    // A filter, because EC2 answers unknown ids with an error, and a new id is unknown for a while.
    const wanted = [{ Name: "instance-id", Values: this.#machines.map(({ instanceId }) => instanceId) }];
    for await (const page of sdk.paginateDescribeInstances({ client }, { Filters: wanted }, this.#sending)) {
      for (const instance of page.Reservations?.flatMap(({ Instances }) => Instances ?? []) ?? []) {
        if (instance.InstanceId === undefined || instance.LaunchTime === undefined) continue;
        found.set(instance.InstanceId, {
          state: instance.State?.Name ?? "unknown",
          reason: instance.StateReason?.Message || instance.StateTransitionReason || "",
          // EC2 reports whole seconds.
          launchedAt: Math.floor(instance.LaunchTime.getTime() / 1000) * 1000,
        });
      }
    }
    return found;
  }

  /** The last status on a machine's console, where it is written even if the machine can't reach SSM. */
  async consoleStatus({ machine, instanceId }: BootMachine): Promise<NodeStatus | null> {
    const { sdk, client } = this.#ec2;
    const answer = await client.send(
      new sdk.GetConsoleOutputCommand({ InstanceId: instanceId, Latest: true }),
      this.#sending,
    );
    return statusInConsole(Buffer.from(answer.Output ?? "", "base64").toString("utf8"), machine);
  }
}
