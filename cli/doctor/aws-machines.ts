/** Asks AWS about a cluster's machines. It changes and costs nothing. */

import type { EC2Client } from "@aws-sdk/client-ec2";
import { clientOptions, collected } from "../../aws/connection.ts";
import { describeAwsError, isFromAws, type Refusal } from "../../aws/errors.ts";
import { type BootMachine, Watch } from "../../aws/follow/machines.ts";
import { parameterName, physicalName } from "../../components/aws/naming.ts";
import type { MachinePlan } from "../../plan/resources/plans.ts";
import { STACK_TAG } from "../leaks/names.ts";
import type { SeenMachine } from "./aws-health.ts";

/** Permissions that the requests need. */
export const DOCTOR_PERMISSIONS = "ec2:DescribeInstances, ec2:GetConsoleOutput and ssm:GetParameters";

/** Longest wait for everything together. */
const SECONDS = 60;
/** Longest wait for data, and the attempts for each request. */
const SILENCE_SECONDS = 15;
const ATTEMPTS = 2;
/** Instances that exist, running or not. */
const PRESENT = ["pending", "running", "stopping", "stopped"];

/** The cluster to check. */
export interface Place {
  stack: string;
  region: string;
}

/** AWS's answer, or why there is none. */
export type Answer<T> = { found: T } | { refusal: Refusal };

/** Whether AWS accepts this machine's credentials in a region. */
export function askForCredentials(place: Place, signal: AbortSignal): Promise<Answer<true>> {
  return answered<true>(place, signal, async (client, abortSignal) => {
    const { DescribeInstancesCommand } = await import("@aws-sdk/client-ec2");
    await client.send(new DescribeInstancesCommand({ Filters: ofStack(place), MaxResults: 5 }), { abortSignal });
    return true;
  });
}

/** Reads the state of every machine of a plan. */
export function lookAtMachines(
  place: Place,
  machines: readonly MachinePlan[],
  signal: AbortSignal,
): Promise<Answer<SeenMachine[]>> {
  return answered(place, signal, async (client, abortSignal) => {
    const instances = await instancesOf(client, place, abortSignal);
    const found = machines.map((machine) => ({ machine, instance: instanceOf(machine, place, instances) }));
    const there = found.flatMap(({ machine, instance }): BootMachine[] =>
      instance === null
        ? []
        : [
            {
              machine: machine.name,
              instanceId: instance.id,
              statusParameter: parameterName(place, `status/${machine.name}`),
            },
          ],
    );
    if (there.length === 0) return found.map(({ machine }) => seen(machine, null));
    const watch = await Watch.over(there, { region: place.region }, abortSignal);
    try {
      const sightings = await watch.look();
      return await Promise.all(
        found.map(async ({ machine, instance }) => {
          const sighting = sightings.get(machine.name);
          if (instance === null || !sighting?.instance) return seen(machine, null);
          const { status } = sighting;
          const now: SeenMachine = { ...seen(machine, { ...instance, ...sighting.instance }), status };
          const boot = there.find((one) => one.machine === machine.name);
          if (status !== null || sighting.instance.state !== "running" || boot === undefined) return now;
          return { ...now, onConsole: await watch.consoleStatus(boot) };
        }),
      );
    } finally {
      watch.close();
    }
  });
}

const seen = ({ name, type }: MachinePlan, instance: SeenMachine["instance"]): SeenMachine => ({
  name,
  type,
  instance,
  status: null,
  onConsole: null,
});

/** An instance with the stack's tag. */
interface Instance {
  id: string;
  name: string;
  address: string;
  launchedAt: number;
}

/** The instance of a machine of the plan; if several have its name, the one with its address. */
function instanceOf(machine: MachinePlan, place: Place, instances: readonly Instance[]): Instance | null {
  const named = instances.filter(({ name }) => name === physicalName(place, machine.name));
  return named.find(({ address }) => address === machine.address) ?? named[0] ?? null;
}

async function instancesOf(client: EC2Client, place: Place, abortSignal: AbortSignal): Promise<Instance[]> {
  const { paginateDescribeInstances } = await import("@aws-sdk/client-ec2");
  const found = await collected(
    paginateDescribeInstances({ client }, { Filters: ofStack(place) }, { abortSignal }),
    ({ Reservations }) => Reservations?.flatMap(({ Instances = [] }) => Instances),
  );
  return found.flatMap(({ InstanceId: id, LaunchTime, PrivateIpAddress: address = "", Tags = [] }) => {
    const name = Tags.find(({ Key }) => Key === "Name")?.Value ?? "";
    return id === undefined ? [] : [{ id, name, address, launchedAt: LaunchTime?.getTime() ?? 0 }];
  });
}

const ofStack = ({ stack }: Place) => [
  { Name: `tag:${STACK_TAG}`, Values: [stack] },
  { Name: "instance-state-name", Values: PRESENT },
];

/** Asks in a bounded time. Missing credentials, network, permission or time are answers and not thrown. */
async function answered<T>(
  { region }: Place,
  signal: AbortSignal,
  ask: (client: EC2Client, abortSignal: AbortSignal) => Promise<T>,
): Promise<Answer<T>> {
  const { EC2Client } = await import("@aws-sdk/client-ec2");
  const client = new EC2Client(clientOptions({ region }, { silenceSeconds: SILENCE_SECONDS, attempts: ATTEMPTS }));
  const deadline = AbortSignal.timeout(SECONDS * 1000);
  try {
    return { found: await ask(client, AbortSignal.any([signal, deadline])) };
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.aborted) {
      return { refusal: { what: `AWS has not answered within ${SECONDS} seconds`, remedy: "check the network" } };
    }
    if (!isFromAws(error)) throw error;
    return {
      refusal: describeAwsError(error, { question: `a look at the machines in ${region}`, needs: DOCTOR_PERMISSIONS }),
    };
  } finally {
    client.destroy();
  }
}
