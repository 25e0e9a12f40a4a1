import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { formerly } from "../../aliases.ts";
import { type ClusterContext, physicalName, rolePath, tagsOf } from "../naming.ts";
import type { ClusterNetwork } from "../network/index.ts";
import { ImportJob } from "./import-job.ts";

/** Longest prefix of a bucket's name to which the engine can add its suffix. */
const PREFIX_LENGTH = 37;
const STAGING_DAYS = 1;
/** Days for which an interrupted upload can be resumed. */
const UPLOAD_DAYS = 7;

/**
 * The model's bucket, private and encrypted; machines read it only through the cluster's own endpoint. If the model is
 * remote, it has a job that fetches the model in AWS.
 *
 * ### Cost
 * 0.023 US dollars per GB and month; see {@link ImportJob} for the cost of an import.
 */
export class ModelStore extends pulumi.ComponentResource {
  readonly bucket: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;
  /** Project of the import job; null if the model is uploaded from the operator's machine. */
  readonly importProject: pulumi.Output<string> | null;
  /** Resources that must exist before an object is put into the bucket. */
  readonly readiness: readonly pulumi.Resource[];

  constructor(
    name: string,
    args: { context: ClusterContext; network: ClusterNetwork },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const { context, network } = args;
    const { origin, keys, bytes } = context.plan.model;
    super("llama-rpc-cluster:aws:ModelStore", name, { origin, keys, bytes }, opts);
    const childOptions = { parent: this };
    const bucket = new aws.s3.Bucket(
      name,
      {
        bucketPrefix: `${physicalName(context, "")}`.slice(0, PREFIX_LENGTH),
        forceDestroy: !context.plan.isProtected,
        tags: tagsOf(context, "model", "models"),
      },
      childOptions,
    );
    const closed = new aws.s3.BucketPublicAccessBlock(
      name,
      {
        bucket: bucket.id,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      childOptions,
    );
    const owned = new aws.s3.BucketOwnershipControls(
      name,
      { bucket: bucket.id, rule: { objectOwnership: "BucketOwnerEnforced" } },
      childOptions,
    );
    const encrypted = new aws.s3.BucketServerSideEncryptionConfiguration(
      name,
      { bucket: bucket.id, rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
      childOptions,
    );
    const cleaned = new aws.s3.BucketLifecycleConfiguration(
      name,
      {
        bucket: bucket.id,
        rules: [
          {
            id: "unfinished-uploads",
            status: "Enabled",
            filter: { prefix: "" },
            abortIncompleteMultipartUpload: { daysAfterInitiation: UPLOAD_DAYS },
          },
          {
            id: "unfinished-imports",
            status: "Enabled",
            filter: { prefix: "staging/" },
            expiration: { days: STAGING_DAYS },
          },
        ],
      },
      childOptions,
    );
    const policy = new aws.s3.BucketPolicy(
      name,
      { bucket: bucket.id, policy: bucketPolicy(context, bucket.arn, network) },
      { parent: this, dependsOn: [closed] },
    );
    this.bucket = bucket.id;
    this.arn = bucket.arn;
    this.readiness = [closed, owned, encrypted, cleaned, policy];
    this.importProject =
      origin === "file"
        ? null
        : new ImportJob(
            `${name}-import`,
            { context, bucketArn: bucket.arn },
            { parent: this, ...formerly(`${name}-import`, "model-import") },
          ).project;
    this.registerOutputs();
  }
}

/** Denies requests without TLS, and requests of machines that do not use the cluster's endpoint. */
function bucketPolicy(context: ClusterContext, arn: pulumi.Output<string>, network: ClusterNetwork) {
  const objects = pulumi.interpolate`${arn}/*`;
  const stolenCredentials =
    network.s3EndpointId === null
      ? []
      : [
          {
            Sid: "MachinesThroughTheirEndpoint",
            Effect: "Deny",
            Principal: "*",
            Action: "s3:GetObject",
            Resource: objects,
            Condition: {
              StringNotEquals: { "aws:SourceVpce": network.s3EndpointId },
              ArnLike: { "aws:PrincipalArn": `arn:aws:iam::*:role${rolePath(context, "nodes")}*` },
            },
          },
        ];
  return pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "TlsOnly",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [arn, objects],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
      ...stolenCredentials,
    ],
  });
}
