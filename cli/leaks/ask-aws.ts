/** Asks AWS for leftovers of a stack, with parallel requests. It changes nothing. */

import { clientOptions } from "../../aws/connection.ts";
import { awsSentence, isAboutCredentials, isAnswer, isFromAws } from "../../aws/errors.ts";
import { UserError } from "../../config/errors.ts";
import { ec2Leaks } from "./ec2.ts";
import { type Findings, inRemovalOrder, type Leak } from "./leak.ts";
import { bucketLeaks, iamLeaks, logLeaks, type Place, parameterLeaks, projectLeaks } from "./services.ts";
import { taggedLeaks } from "./tagged.ts";

/** Permissions that the requests need. */
export const LEAKS_PERMISSIONS =
  "tag:GetResources, ec2:Describe*, iam:ListRoles, iam:ListInstanceProfiles, iam:ListPolicies, ssm:DescribeParameters, s3:ListAllMyBuckets, s3:ListBucket, codebuild:ListProjects, codebuild:BatchGetProjects and logs:DescribeLogGroups";

const SECONDS = 60;
const ATTEMPTS = 3;

/**
 * Asks every service in which a stack may have left resources.
 * @param stacks every stack of the project
 * @throws {UserError} if credentials are missing or AWS can't be reached
 */
export function askAwsForLeaks(
  stack: string,
  stacks: readonly string[],
  region: string,
  signal: AbortSignal,
): Promise<Findings> {
  const aborted = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  return Promise.race([askAll(stack, stacks, region), aborted]);
}

async function askAll(stack: string, stacks: readonly string[], region: string): Promise<Findings> {
  const options = clientOptions({}, { silenceSeconds: SECONDS, attempts: ATTEMPTS });
  const place: Place = { stack, stacks, region, options };
  const { EC2Client } = await import("@aws-sdk/client-ec2");
  const questions: Readonly<Record<string, () => Promise<Leak[]>>> = {
    "the tags of EC2": () => ec2Leaks(new EC2Client({ ...options, region }), stack, region),
    "tag:GetResources": () => taggedLeaks(stack, region, options),
    "the lists of IAM": () => iamLeaks(place),
    "ssm:DescribeParameters": () => parameterLeaks(place),
    "s3:ListBuckets": () => bucketLeaks(place),
    "codebuild:ListProjects": () => projectLeaks(place),
    "logs:DescribeLogGroups": () => logLeaks(place),
  };
  const refusals: string[] = [];
  const found = await Promise.all(
    Object.entries(questions).map(async ([question, ask]) => {
      try {
        return await ask();
      } catch (error) {
        if (!isFromAws(error)) throw error;
        const reason = awsSentence(error, { question: `${question} in ${region}`, needs: LEAKS_PERMISSIONS });
        // The other requests would fail too.
        if (!isAnswer(error) || isAboutCredentials(error)) throw new UserError(reason, { cause: error });
        refusals.push(reason);
        return [];
      }
    }),
  );
  return { leaks: inRemovalOrder(found.flat()), refusals };
}
