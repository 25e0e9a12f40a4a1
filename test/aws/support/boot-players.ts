/** Machines that are played: instances of the double, and what they would write into their parameters. */

import { EC2Client, RunInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import type { BootMachine } from "../../../aws/follow/machines.ts";
import { formatStatus, INITIAL_STATUS, type NodeState, type NodeStep } from "../../../aws/machine-status.ts";

const REGION = "us-east-1";
/** One that the double comes with. */
const ANY_IMAGE = "ami-12c6146b";

/** Instances and parameters of one cluster in the double. */
export class Players {
  readonly #ec2: EC2Client;
  readonly #ssm: SSMClient;
  readonly #stack: string;

  constructor(endpoint: string, stack: string) {
    const options = { region: REGION, endpoint, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
    this.#ec2 = new EC2Client(options);
    this.#ssm = new SSMClient(options);
    this.#stack = stack;
  }

  /** The parameter as the component makes it, and an instance. */
  async launch(machine: string): Promise<BootMachine> {
    const statusParameter = `/llama-rpc-cluster/${this.#stack}/status/${machine}`;
    await this.#put(statusParameter, formatStatus(INITIAL_STATUS));
    return { machine, statusParameter, instanceId: await this.instance() };
  }

  /** An instance alone. */
  async instance(): Promise<string> {
    const run = await this.#ec2.send(
      new RunInstancesCommand({ ImageId: ANY_IMAGE, InstanceType: "g6.xlarge", MinCount: 1, MaxCount: 1 }),
    );
    const id = run.Instances?.[0]?.InstanceId;
    if (id === undefined) throw new Error("the double made no instance");
    return id;
  }

  /** What node.sh writes. */
  async write({ statusParameter }: BootMachine, step: NodeStep, state: NodeState, text: string): Promise<void> {
    await this.#put(statusParameter, formatStatus({ seconds: Math.floor(Date.now() / 1000), step, state, text }));
  }

  async terminate({ instanceId }: BootMachine): Promise<void> {
    await this.#ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
  }

  close(): void {
    this.#ec2.destroy();
    this.#ssm.destroy();
  }

  async #put(Name: string, Value: string): Promise<void> {
    await this.#ssm.send(new PutParameterCommand({ Name, Value, Type: "String", Overwrite: true }));
  }
}
