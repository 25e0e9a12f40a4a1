import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { bootScripts } from "../boot/scripts.ts";
import { type ClusterContext, tagsOf } from "../naming.ts";

export interface BootObjectsArgs {
  context: ClusterContext;
  bucket: pulumi.Input<string>;
  /** What must be there before anything is put into the bucket. */
  readiness: readonly pulumi.Resource[];
}

/**
 * The programs of the machines, in the bucket that they read the model from: user data has room for 16 KiB. Each is named
 * by its hash, which stands in the user data, so that a machine never runs another than it was told.
 *
 * ### Cost
 * None to speak of.
 */
export class BootObjects extends pulumi.ComponentResource {
  readonly objects: readonly aws.s3.BucketObjectv2[];

  constructor(name: string, args: BootObjectsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("llama-rpc-cluster:aws:BootObjects", name, { scripts: Object.keys(bootScripts) }, opts);
    this.objects = Object.entries(bootScripts).map(
      ([script, { key, body }]) =>
        new aws.s3.BucketObjectv2(
          `${name}-${script}`,
          {
            bucket: args.bucket,
            key,
            content: body,
            contentType: "text/x-shellscript",
            tags: tagsOf(args.context, "model", script),
          },
          { parent: this, dependsOn: [...args.readiness] },
        ),
    );
    this.registerOutputs();
  }
}
