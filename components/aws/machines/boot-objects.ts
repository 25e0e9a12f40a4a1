import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { bootScripts } from "../boot/scripts.ts";
import { type ClusterContext, tagsOf } from "../naming.ts";

export interface BootObjectsArgs {
  context: ClusterContext;
  bucket: pulumi.Input<string>;
  /** Resources that must exist before an object is put into the bucket. */
  readiness: readonly pulumi.Resource[];
}

/**
 * The machines' programs, in the model's bucket, because user data is limited to 16 KiB. Each object's name is its hash, and
 * the user data names the hash, so a machine always runs the program that its user data names.
 *
 * ### Cost
 * Negligible.
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
