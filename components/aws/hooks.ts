/**
 * What `pulumi up` does beside declaring resources, as resource hooks: the model gets into its bucket before the front
 * boots, and the start is followed until the front has answered.
 *
 * Each hangs on a marker of its own, a value in the stack's state, and runs before the marker is written. A hook that ran
 * after an instance was created could fail as loudly, but the instance would be there, and the next `pulumi up` would find
 * nothing to do and end well. This way, what failed is tried again.
 *
 * The engine waits for a hook that runs when `pulumi up` is interrupted; interrupted twice, it ends at once. Neither loses
 * anything: an upload is gone on with, an import goes on in AWS and is found again, and so do the machines.
 *
 * ### Cost
 * The markers cost nothing; see {@link importModel} for the import.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import * as pulumi from "@pulumi/pulumi";
import type { AwsConnection } from "../../aws/connection.ts";
import { followBoot } from "../../aws/follow/boot.ts";
import type { BootMachine } from "../../aws/follow/machines.ts";
import { importModel } from "../../aws/transfer/import.ts";
import { isLocal, isRemote, type ModelFile } from "../../aws/transfer/model-files.ts";
import { progressText, type TransferProgress } from "../../aws/transfer/progress.ts";
import { uploadModel } from "../../aws/transfer/upload.ts";

export interface ModelInPlaceArgs {
  connection: AwsConnection;
  /** The cluster's own bucket. */
  bucket: pulumi.Input<string>;
  files: readonly ModelFile[];
  /** CodeBuild project that imports files which are not on this machine. @default none, for a model of local files */
  importProject?: pulumi.Input<string> | undefined;
}

/**
 * A marker that is there once the bucket holds the model: the front's instance depends on it. It is written anew, and the
 * model brought again, when bucket or model change.
 */
export function modelInPlace(
  name: string,
  { connection, bucket, files, importProject }: ModelInPlaceArgs,
  opts: pulumi.CustomResourceOptions = {},
): pulumi.Stash {
  const input = {
    bucket,
    importProject: importProject ?? "",
    files: files.map(({ key, bytes, identity }) => ({ key, bytes, identity })),
  };
  return marker(name, input, opts, async ({ bucket, importProject }, say) => {
    const tell = throttled((progress) => say(`model ${progressText(progress)} in the bucket`, true));
    const transfer = { connection, bucket, onProgress: tell };
    const local = files.filter(isLocal);
    const remote = files.filter(isRemote);
    const results = [
      ...(local.length === 0 ? [] : [await uploadModel({ ...transfer, files: local })]),
      ...(remote.length === 0 ? [] : [await importModel({ ...transfer, files: remote, project: importProject })]),
    ];
    const brought = results.reduce((sum, result) => sum + result.brought, 0);
    say(brought === 0 ? "model was in the bucket already" : "model is in the bucket", false);
  });
}

/** A machine whose start is followed. */
export interface FollowedMachine {
  /** `front`, or the plan's name of the machine. */
  machine: string;
  instanceId: pulumi.Input<string>;
  /** Name of the SSM parameter that it writes its status into. */
  statusParameter: pulumi.Input<string>;
}

export interface BootFollowedArgs {
  connection: AwsConnection;
  front: FollowedMachine;
  backends: readonly FollowedMachine[];
  /** Longest wait: the plan's `startupSeconds`, and what the machines take until their containers start. */
  timeoutSeconds: number;
}

/**
 * A marker that is there once the front has answered a real generation. It is written anew, and the start followed again,
 * when a machine is another one.
 */
export function bootFollowed(
  name: string,
  { connection, front, backends, timeoutSeconds }: BootFollowedArgs,
  opts: pulumi.CustomResourceOptions = {},
): pulumi.Stash {
  const input = { front, backends: [...backends] };
  return marker(name, input, opts, (resolved: { front: BootMachine; backends: BootMachine[] }, say) =>
    followBoot({ connection, ...resolved, timeoutSeconds, say: ({ text, passing }) => say(text, passing) }),
  );
}

/** Shows a line; a passing one is gone with the next. */
type Say = (text: string, passing: boolean) => void;

/**
 * A value in the state, and work that must succeed before it is written.
 * @param work gets the value with its outputs resolved
 */
function marker<T extends object>(
  name: string,
  input: T,
  opts: pulumi.CustomResourceOptions,
  work: (input: pulumi.Unwrap<T>, say: Say) => Promise<unknown>,
): pulumi.Stash {
  // An inline program of the Automation API keeps its engine per asynchronous context, and the engine calls from outside.
  const inProgram = AsyncLocalStorage.snapshot();
  // Not the marker itself: a line waits for its resource's URN, which comes after the hook.
  const say: Say = (text, passing) => inProgram(() => void pulumi.log.info(text, opts.parent, undefined, passing));
  const hooks = pulumi.runtime.isDryRun()
    ? {}
    : { hooks: before(name, ({ newInputs }) => work(newInputs?.["input"], say)) };
  return new pulumi.Stash(name, { input }, { ...opts, ...hooks });
}

/** Hooks that do something before a marker is written. A preview has none: it would not run them. */
function before(name: string, work: (args: pulumi.ResourceHookArgs) => Promise<unknown>): pulumi.ResourceHookBinding {
  const hook = new pulumi.ResourceHook(name, async (args) => {
    await work(args);
  });
  return { beforeCreate: [hook], beforeUpdate: [hook] };
}

const PROGRESS_MS = 2000;

/** Passes on what comes at intervals, and what is the end. */
function throttled(tell: (progress: TransferProgress) => void): (progress: TransferProgress) => void {
  let last = 0;
  return (progress) => {
    if (Date.now() - last < PROGRESS_MS && progress.bytesDone < progress.bytesTotal) return;
    last = Date.now();
    tell(progress);
  };
}
