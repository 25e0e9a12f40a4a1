/**
 * Resource hooks of `pulumi up`: one transfers the model to its bucket before the front boots, one follows the start until
 * the front has answered.
 *
 * Each hook has its own marker, a value in the stack's state, and runs before the marker is written. If a hook ran after the
 * creation of an instance and failed, the instance would exist, so the next `pulumi up` would find nothing to do and succeed.
 * With a marker, the next `pulumi up` repeats the failed work.
 *
 * If `pulumi up` is interrupted, the engine waits for the running hook; if it is interrupted twice, it ends at once. Neither
 * loses anything: an upload is resumed, an import continues in AWS and is found again, and the machines keep starting.
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
  /** CodeBuild project that imports remote files. @default none, for a model of local files */
  importProject?: pulumi.Input<string> | undefined;
}

/**
 * A marker that exists once the bucket holds the model; the front's instance depends on it. If the bucket or the model
 * changes, the model is transferred and the marker is written again.
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
    const onProgress = throttled((progress) => say(`model ${progressText(progress)} in the bucket`, true));
    const transfer = { connection, bucket, onProgress };
    const local = files.filter(isLocal);
    const remote = files.filter(isRemote);
    const results = [
      ...(local.length === 0 ? [] : [await uploadModel({ ...transfer, files: local })]),
      ...(remote.length === 0 ? [] : [await importModel({ ...transfer, files: remote, project: importProject })]),
    ];
    const transferred = results.reduce((sum, result) => sum + result.transferred, 0);
    say(transferred === 0 ? "model was in the bucket already" : "model is in the bucket", false);
  });
}

/** A machine whose start to follow. */
export interface FollowedMachine {
  /** `front`, or the plan's name of the machine. */
  machine: string;
  instanceId: pulumi.Input<string>;
  /** Name of the SSM parameter that holds its status. */
  statusParameter: pulumi.Input<string>;
}

export interface BootFollowedArgs {
  connection: AwsConnection;
  front: FollowedMachine;
  backends: readonly FollowedMachine[];
  /** Longest wait: the plan's `startupSeconds` plus the time until the containers start. */
  timeoutSeconds: number;
}

/**
 * A marker that exists once the front has answered a real generation. If a machine is replaced, the start is followed and
 * the marker is written again.
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

/** Shows a line; the next line replaces a passing one. */
type Say = (text: string, passing: boolean) => void;

/**
 * A value in the state that is written only after `work` has succeeded.
 * @param work gets the value with its outputs resolved
 */
function marker<T extends object>(
  name: string,
  input: T,
  opts: pulumi.CustomResourceOptions,
  work: (input: pulumi.Unwrap<T>, say: Say) => Promise<unknown>,
): pulumi.Stash {
  // The Automation API keeps its engine in the asynchronous context, but the engine calls hooks from outside of it.
  const inProgram = AsyncLocalStorage.snapshot();
  // Not on the marker: a line waits for its resource's URN, which is known only after the hook.
  const say: Say = (text, passing) => inProgram(() => void pulumi.log.info(text, opts.parent, undefined, passing));
  const hooks = pulumi.runtime.isDryRun()
    ? {}
    : { hooks: before(name, ({ newInputs }) => work(newInputs?.["input"], say)) };
  return new pulumi.Stash(name, { input }, { ...opts, ...hooks });
}

/** The hooks that run before a marker is written. A preview has none, because it would not run them. */
function before(name: string, work: (args: pulumi.ResourceHookArgs) => Promise<unknown>): pulumi.ResourceHookBinding {
  const hook = new pulumi.ResourceHook(name, async (args) => {
    await work(args);
  });
  return { beforeCreate: [hook], beforeUpdate: [hook] };
}

const PROGRESS_MS = 2000;

/** Passes on progress at intervals, and always its end. */
function throttled(report: (progress: TransferProgress) => void): (progress: TransferProgress) => void {
  let last = 0;
  return (progress) => {
    if (Date.now() - last < PROGRESS_MS && progress.bytesDone < progress.bytesTotal) return;
    last = Date.now();
    report(progress);
  };
}
