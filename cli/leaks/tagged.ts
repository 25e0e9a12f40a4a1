/** Leftovers that the Resource Groups Tagging API names. It lags by minutes, so they are checked with their own service. */

import { type ClientOptions, collected } from "../../aws/connection.ts";
import { isNotFound } from "../../aws/errors.ts";
import { type Arn, leakOf, parseArn } from "./arns.ts";
import type { Leak } from "./leak.ts";
import { STACK_TAG } from "./names.ts";

/** Region of budgets and other resources without a region. */
const GLOBAL_REGION = "us-east-1";

/** Asks for every resource with the stack's tag outside EC2. */
export async function taggedLeaks(stack: string, region: string, options: ClientOptions): Promise<Leak[]> {
  const { paginateGetResources, ResourceGroupsTaggingAPIClient } = await import(
    "@aws-sdk/client-resource-groups-tagging-api"
  );
  const found = await Promise.all(
    [...new Set([region, GLOBAL_REGION])].map((place) =>
      collected(
        paginateGetResources(
          { client: new ResourceGroupsTaggingAPIClient({ ...options, region: place }) },
          { TagFilters: [{ Key: STACK_TAG, Values: [stack] }] },
        ),
        ({ ResourceTagMappingList }) => ResourceTagMappingList,
      ),
    ),
  );
  const arns = [...new Set(found.flat().flatMap(({ ResourceARN }) => ResourceARN ?? []))].map(parseArn);
  const leaks = await Promise.all(
    arns
      .filter((arn) => arn.service !== "ec2" && isIn(arn, region))
      .map(async (arn) => {
        const isThere = await existence(arn, options);
        if (isThere === false) return [];
        return [{ ...leakOf(arn), ...(isThere === null ? { mayBeGone: true as const } : {}) }];
      }),
  );
  return leaks.flat();
}

/** Only what belongs to this region: in us-east-1 a stack of the same name may have other resources. */
function isIn(arn: Arn, region: string): boolean {
  return arn.region === "" || arn.region === region;
}

/** Whether a resource exists, by its own service; null if that can't be asked. */
async function existence(arn: Arn, options: ClientOptions): Promise<boolean | null> {
  const { service, resource, region } = arn;
  const name = resource.slice(resource.search(/[/:]/) + 1);
  switch (service) {
    case "s3": {
      const { HeadBucketCommand, S3Client } = await import("@aws-sdk/client-s3");
      const client = new S3Client({ ...options, region: GLOBAL_REGION, followRegionRedirects: true });
      return isThere(client.send(new HeadBucketCommand({ Bucket: resource })));
    }
    case "ssm": {
      const { DescribeParametersCommand, SSMClient } = await import("@aws-sdk/client-ssm");
      const client = new SSMClient({ ...options, region });
      // A name without a path has no leading slash.
      const names = [`/${name}`, name];
      const filter = { ParameterFilters: [{ Key: "Name", Values: names }] };
      const { Parameters = [] } = await client.send(new DescribeParametersCommand(filter));
      return Parameters.length > 0;
    }
    case "logs": {
      const { CloudWatchLogsClient, DescribeLogGroupsCommand } = await import("@aws-sdk/client-cloudwatch-logs");
      const client = new CloudWatchLogsClient({ ...options, region });
      const group = name.replace(/:\*$/, "");
      const { logGroups = [] } = await client.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: group }));
      return logGroups.some(({ logGroupName }) => logGroupName === group);
    }
    case "codebuild": {
      const { BatchGetProjectsCommand, CodeBuildClient } = await import("@aws-sdk/client-codebuild");
      const client = new CodeBuildClient({ ...options, region });
      const { projects = [] } = await client.send(new BatchGetProjectsCommand({ names: [name] }));
      return projects.length > 0;
    }
    default:
      return null;
  }
}

async function isThere(answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer;
    return true;
  } catch (error) {
    if (error instanceof Error && isNotFound(error)) return false;
    throw error;
  }
}
