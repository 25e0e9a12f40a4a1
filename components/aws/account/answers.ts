/** How AWS is asked, and how its refusals are told. Nothing here changes anything at AWS. */

import type { EC2ClientConfig } from "@aws-sdk/client-ec2";

/** What to do about credentials. */
const SIGN_IN = "run `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

/** Which account is asked, and where. */
export interface Connection {
  /** Profile of the AWS configuration files. @default the SDK's choice (`AWS_PROFILE`) */
  profile?: string | undefined;
  /** Address of a server that is not AWS's. @default the SDK's choice (`AWS_ENDPOINT_URL`) */
  endpoint?: string | undefined;
}

/** What every client of the SDK is made with. */
export type ClientOptions = Pick<EC2ClientConfig, "requestHandler" | "maxAttempts" | "profile" | "endpoint">;

/**
 * Options of clients that reach AWS the way the rest of the program does.
 * @param seconds longest wait for a sign of life
 * @param maxAttempts how often a question is asked
 */
export async function clientOptions(
  seconds: number,
  maxAttempts: number,
  { profile, endpoint }: Connection = {},
): Promise<ClientOptions> {
  const [http, https] = await Promise.all([import("node:http"), import("node:https")]);
  return {
    maxAttempts,
    ...(profile === undefined ? {} : { profile }),
    ...(endpoint === undefined ? {} : { endpoint }),
    requestHandler: {
      connectionTimeout: Math.min(10_000, seconds * 1000),
      socketTimeout: seconds * 1000,
      // These agents know the proxy of the environment; agents that the SDK makes don't.
      httpAgent: http.globalAgent,
      httpsAgent: https.globalAgent,
    },
  };
}

/** All that pages hold. */
export async function collected<Page, Item>(
  pages: AsyncIterable<Page>,
  itemsOf: (page: Page) => Item[] | undefined,
): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of pages) items.push(...(itemsOf(page) ?? []));
  return items;
}

/** Whether an error is about asking AWS, and not a defect of the program. */
export function isFromAws(error: unknown): error is Error {
  // The SDK counts its attempts there, for what never got an answer too.
  return error instanceof Error && ("$metadata" in error || isLackOfCredentials(error.name));
}

/** Whether AWS itself answered with the error, and so whether other questions may fare better. */
export function isAnswer(error: Error): boolean {
  return "$metadata" in error && "$fault" in error;
}

/** Whether there are no credentials, or none that AWS accepts: no other question will fare better. */
export function isAboutCredentials({ name }: Error): boolean {
  return isLackOfCredentials(name) || isBadCredentials(name);
}

/** Whether what was asked for does not exist. */
export function isNotFound({ name }: Error): boolean {
  return /NotFound|NoSuch|ResourceNotFound/.test(name);
}

/**
 * Why AWS did not answer, in one sentence.
 * @param question what was asked: `ec2:DescribeVolumes in us-east-1`
 * @param permissions what the credentials need for all that is asked
 */
export function reasonOf(error: Error, question: string, permissions: string): string {
  const { name, message } = error;
  if (isLackOfCredentials(name)) return `There are no AWS credentials (${message}): ${SIGN_IN}.`;
  const [firstLine = ""] = message.split("\n");
  const said = `${name}: ${firstLine.replace(/\.$/, "")}`;
  if (!isAnswer(error)) return `AWS can't be reached for ${question} (${said}): check the network.`;
  if (isBadCredentials(name)) return `AWS does not accept the credentials for ${question} (${said}): ${SIGN_IN}.`;
  if (/Unauthorized|AccessDenied|OptIn/.test(name))
    return `AWS refuses ${question} (${said}): the credentials need ${permissions}.`;
  return `AWS does not answer ${question} (${said}): try again later.`;
}

function isLackOfCredentials(name: string): boolean {
  return name === "CredentialsProviderError" || name === "TokenProviderError";
}

function isBadCredentials(name: string): boolean {
  return /^(AuthFailure|ExpiredToken|InvalidClientTokenId|UnrecognizedClient|RequestExpired|SignatureDoesNotMatch)/.test(
    name,
  );
}
