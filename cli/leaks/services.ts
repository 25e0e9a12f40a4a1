/** Leftovers in IAM, SSM, S3, CodeBuild and CloudWatch Logs, found by path and name, because these lists do not lag. */

import { type ClientOptions, collected } from "../../aws/connection.ts";
import { leakOf, parseArn } from "./arns.ts";
import type { Leak } from "./leak.ts";
import { isNameOf, pathOf } from "./names.ts";

/** Which stack and region to search. */
export interface Place {
  stack: string;
  /** Every stack of the project, because a name may begin like that of another stack. */
  stacks: readonly string[];
  region: string;
  options: ClientOptions;
}

/** Roles, instance profiles and policies below the stack's path. */
export async function iamLeaks({ stack, region, options }: Place): Promise<Leak[]> {
  const iam = await import("@aws-sdk/client-iam");
  const client = new iam.IAMClient({ ...options, region });
  const below = { PathPrefix: pathOf(stack) };
  const [roles, profiles, policies] = await Promise.all([
    collected(iam.paginateListRoles({ client }, below), ({ Roles }) => Roles),
    collected(iam.paginateListInstanceProfiles({ client }, below), ({ InstanceProfiles }) => InstanceProfiles),
    collected(iam.paginateListPolicies({ client }, { ...below, Scope: "Local" }), ({ Policies }) => Policies),
  ]);
  return [...roles, ...profiles, ...policies].flatMap(({ Arn }) => (Arn === undefined ? [] : leakOf(parseArn(Arn))));
}

/** Parameters below the stack's path, without their values. */
export async function parameterLeaks({ stack, region, options }: Place): Promise<Leak[]> {
  const ssm = await import("@aws-sdk/client-ssm");
  const client = new ssm.SSMClient({ ...options, region });
  const below = { ParameterFilters: [{ Key: "Path", Option: "Recursive", Values: [pathOf(stack)] }] };
  const found = await collected(ssm.paginateDescribeParameters({ client }, below), ({ Parameters }) => Parameters);
  return found.flatMap(({ ARN, Name = "", Type = "" }) => {
    const arn = ARN ?? `arn:aws:ssm:${region}::parameter${Name}`;
    return leakOf(parseArn(arn), Type);
  });
}

/** Buckets by their names. */
export async function bucketLeaks({ stack, stacks, region, options }: Place): Promise<Leak[]> {
  const s3 = await import("@aws-sdk/client-s3");
  const client = new s3.S3Client({ ...options, region });
  const found = await collected(s3.paginateListBuckets({ client }, {}), ({ Buckets }) => Buckets);
  return found
    .filter(({ Name = "" }) => isNameOf(Name, stack, stacks))
    .map(({ Name = "" }) => leakOf(parseArn(`arn:aws:s3:::${Name}`)));
}

/** Import jobs by their names. */
export async function projectLeaks({ stack, stacks, region, options }: Place): Promise<Leak[]> {
  const codebuild = await import("@aws-sdk/client-codebuild");
  const client = new codebuild.CodeBuildClient({ ...options, region });
  const names = await collected(codebuild.paginateListProjects({ client }, {}), ({ projects }) => projects);
  const own = names.filter((name) => isNameOf(name, stack, stacks));
  if (own.length === 0) return [];
  const { projects = [] } = await client.send(new codebuild.BatchGetProjectsCommand({ names: own.slice(0, 100) }));
  return projects.flatMap(({ arn }) => (arn === undefined ? [] : leakOf(parseArn(arn))));
}

/** Log groups by their names, because CodeBuild creates those of import jobs without tags. */
export async function logLeaks({ stack, stacks, region, options }: Place): Promise<Leak[]> {
  const logs = await import("@aws-sdk/client-cloudwatch-logs");
  const client = new logs.CloudWatchLogsClient({ ...options, region });
  const starts = ["", "/aws/codebuild/"].map((place) => ({ place, prefix: `${place}llama-rpc-cluster-${stack}-` }));
  const ask = (prefix: string) =>
    collected(logs.paginateDescribeLogGroups({ client }, { logGroupNamePrefix: prefix }), ({ logGroups }) => logGroups);
  const [below, ...named] = await Promise.all([
    ask(pathOf(stack)),
    ...starts.map(async ({ place, prefix }) =>
      (await ask(prefix)).filter(({ logGroupName = "" }) => isNameOf(logGroupName.slice(place.length), stack, stacks)),
    ),
  ]);
  return [...below, ...named.flat()].flatMap(({ arn }) =>
    arn === undefined ? [] : leakOf(parseArn(arn.replace(/:\*$/, ""))),
  );
}
