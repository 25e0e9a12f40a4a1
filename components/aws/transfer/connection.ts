/** How AWS is reached by what `pulumi up` does itself, and how its refusals are told. */

import { globalAgent as httpAgent } from "node:http";
import { globalAgent as httpsAgent } from "node:https";

/** Credentials are found as the AWS SDK finds them everywhere: environment, profile, single sign-on, role of the machine. */
export interface AwsConnection {
  region: string;
  /** Profile of the AWS configuration files. @default the SDK's choice (`AWS_PROFILE`) */
  profile?: string | undefined;
  /** Address of a server that is not AWS's. @default the SDK's choice (`AWS_ENDPOINT_URL`) */
  endpoint?: string | undefined;
}

/** What did not work, in one sentence with its remedy. The message is meant for the user. */
export class TransferError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TransferError";
  }
}

/** Attempts of one request; the SDK waits longer before each. */
const ATTEMPTS = 6;
const CONNECT_MS = 10_000;
/** A server that gives no sign of life for so long is asked again. */
const SILENCE_MS = 60_000;

/** Options that every client of the AWS SDK takes. */
export function clientOptions({ region, profile, endpoint }: AwsConnection) {
  return {
    region,
    ...(profile === undefined ? {} : { profile }),
    ...(endpoint === undefined ? {} : { endpoint }),
    maxAttempts: ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      // These two know the proxy of the environment; agents that the SDK makes don't.
      httpAgent,
      httpsAgent,
    },
  };
}

const SIGN_IN = "run `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

const BAD_CREDENTIALS: ReadonlySet<string> = new Set([
  "AuthFailure",
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidAccessKeyId",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "InvalidToken",
  "SignatureDoesNotMatch",
  "TokenRefreshRequired",
  "UnrecognizedClientException",
]);

const DENIED: ReadonlySet<string> = new Set(["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"]);

/** Whether it is no use to try again: the user has to sign in or to be allowed first. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (NO_CREDENTIALS.has(error.name) || BAD_CREDENTIALS.has(error.name) || DENIED.has(error.name)) return true;
  const status = statusOf(error);
  return status === 401 || status === 403;
}

const NO_CREDENTIALS: ReadonlySet<string> = new Set(["CredentialsProviderError", "TokenProviderError"]);

/**
 * Why AWS did not do something, as a clause with its remedy.
 * @param service as people call it: `S3`
 * @param needs the permissions that it takes, for where they are lacking
 */
export function awsReason(error: unknown, service: string, needs: string): string {
  if (!(error instanceof Error)) return String(error);
  const { name } = error;
  const message = oneLine(error.message);
  if (NO_CREDENTIALS.has(name)) return `there are no AWS credentials (${message}): ${SIGN_IN}.`;
  if (BAD_CREDENTIALS.has(name)) return `${service} does not accept the AWS credentials (${name}): ${SIGN_IN}.`;
  const status = statusOf(error);
  if (DENIED.has(name) || status === 401 || status === 403)
    return `${service} denies access (${name}): the credentials need ${needs}.`;
  if (status === null) return `${service} can't be reached (${message || name}): check the network and the region.`;
  return `${service} answers ${status} (${name}: ${message}).`;
}

/** Status of the answer that an error was made from; null if there was none. */
export function statusOf(error: unknown): number | null {
  if (!(error instanceof Error)) return null;
  const metadata: unknown = "$metadata" in error ? error.$metadata : null;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return null;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : null;
}

const oneLine = (text: string) => text.replaceAll(/\s+/g, " ").trim();

/** Waits; ends early, without an error, if the signal says so. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done);
  });
}
