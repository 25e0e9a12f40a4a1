import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { importBuildspec } from "../../../aws/transfer/import.ts";
import { parseModelSource } from "../../../config/model-source.ts";
import { type ClusterContext, physicalName, tagsOf } from "../naming.ts";
import { LOG_DAYS } from "../network/flow-log.ts";
import { ServiceRole, type Statement } from "../role.ts";

/** Time limit of a build that is started by hand; `pulumi up` sets its own limit for each file. */
const BUILD_MINUTES = 60;

/**
 * The job that copies a model from Hugging Face, a URL or another bucket to the cluster's bucket and checks its SHA-256. It
 * runs in AWS, so the model does not use the operator's connection.
 *
 * ### Cost
 * None by itself; see `importModel` in aws/transfer/import.ts for the cost of a run.
 */
export class ImportJob extends pulumi.ComponentResource {
  /** Name of the CodeBuild project. */
  readonly project: pulumi.Output<string>;

  constructor(
    name: string,
    args: { context: ClusterContext; bucketArn: pulumi.Output<string> },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const { context, bucketArn } = args;
    super("llama-rpc-cluster:aws:ImportJob", name, { sources: context.plan.model.sources }, opts);
    const { tokenParameter } = context.plan.model;
    const { accountId } = aws.getCallerIdentityOutput({}, { parent: this });
    const tokenArn =
      tokenParameter === null
        ? null
        : pulumi.interpolate`arn:aws:ssm:${context.plan.region}:${accountId}:parameter${tokenParameter}`;
    const log = new aws.cloudwatch.LogGroup(
      name,
      {
        name: `/llama-rpc-cluster/${context.stack}/model-import`,
        retentionInDays: LOG_DAYS,
        tags: tagsOf(context, "model-import", "model-import"),
      },
      { parent: this },
    );
    const { role, policy } = new ServiceRole(
      `${name}-role`,
      {
        context,
        service: "codebuild.amazonaws.com",
        role: "model-import",
        folder: "services",
        purpose: "model-import-role",
        statements: [
          {
            Sid: "WriteTheModel",
            Action: ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            Resource: [pulumi.interpolate`${bucketArn}/models/*`, pulumi.interpolate`${bucketArn}/staging/*`],
          },
          {
            Sid: "CheckItFirst",
            Action: ["s3:GetObject", "s3:DeleteObject"],
            Resource: pulumi.interpolate`${bucketArn}/staging/*`,
          },
          { Sid: "FindTheBucket", Action: ["s3:ListBucket", "s3:GetBucketLocation"], Resource: bucketArn },
          {
            Sid: "WriteTheLog",
            Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
            Resource: pulumi.interpolate`${log.arn}:*`,
          },
          ...otherBucket(context),
          ...(tokenArn === null ? [] : [{ Sid: "ReadTheToken", Action: ["ssm:GetParameters"], Resource: tokenArn }]),
        ],
      },
      { parent: this },
    );
    const project = new aws.codebuild.Project(
      name,
      {
        name: physicalName(context, "model-import"),
        description: `Fetches the model of stack ${context.stack}`,
        serviceRole: role.arn,
        buildTimeout: BUILD_MINUTES,
        artifacts: { type: "NO_ARTIFACTS" },
        environment: {
          type: "ARM_CONTAINER",
          computeType: "BUILD_GENERAL1_SMALL",
          image: "aws/codebuild/amazonlinux-aarch64-standard:3.0",
          ...(tokenParameter === null
            ? {}
            : { environmentVariables: [{ name: "HF_TOKEN", type: "PARAMETER_STORE", value: tokenParameter }] }),
        },
        source: { type: "NO_SOURCE", buildspec: importBuildspec() },
        logsConfig: { cloudwatchLogs: { groupName: log.name } },
        tags: tagsOf(context, "model-import", "model-import"),
      },
      { parent: this, dependsOn: [policy] },
    );
    this.project = project.name;
    this.registerOutputs();
  }
}

/** Permission to read the model's files in the user's bucket, if the source is a bucket. */
function otherBucket({ plan }: ClusterContext): Statement[] {
  const files = plan.model.sources.map(parseModelSource).filter((source) => source?.kind === "s3");
  const [first] = files;
  if (first === undefined) return [];
  return [
    {
      Sid: "ReadTheSource",
      Action: ["s3:GetObject"],
      Resource: files.map(({ bucket, key }) => `arn:aws:s3:::${bucket}/${key}`),
    },
    { Sid: "FindTheSource", Action: ["s3:ListBucket"], Resource: `arn:aws:s3:::${first.bucket}` },
  ];
}
