/**
 * A file in an S3 bucket, read by byte ranges with the AWS SDK. The SDK finds credentials and region in its usual places
 * (environment, profile, single sign-on, role of the machine). The SDK is loaded only when an s3 source is read, because
 * loading it takes longer than a whole plan.
 */

import type { GetObjectCommandOutput, S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import { BAD_CREDENTIALS, NO_CREDENTIALS, SIGN_IN } from "../../config/aws-credentials.ts";
import { memoize } from "../../config/collections.ts";
import { type ByteSource, type FileRange, openRanges, SourceError, sizeOf } from "./byte-source.ts";

/** Options for the access to buckets. */
export interface S3Access {
  /** Address of an S3 server other than AWS's (`AWS_ENDPOINT_URL_S3`). @default AWS's */
  endpoint?: string | undefined;
  /** The longest wait for data from a server. @default 60 */
  timeoutSeconds?: number;
  /** Wait before the second attempt to read a range that was cut off, doubled for the third. @default 0.5 */
  retrySeconds?: number | undefined;
}

/** Opens files in buckets. */
export type OpenS3 = (bucket: string, key: string, firstBytes: number) => Promise<ByteSource>;

/** The region of the first request if none is configured. S3 answers with the region of the bucket. */
const FIRST_REGION = "us-east-1";

/** Returns a function that opens files. It requests credentials once for all parts of a model. */
export function s3Opener(access: S3Access): OpenS3 {
  const connect = memoize(connectTo);
  return (bucket, key, firstBytes) =>
    openRanges(
      async (start, end) => requestRange(await connect(access), { bucket, key, start, end }),
      firstBytes,
      access.retrySeconds,
    );
}

type Connection = (bucket: string, key: string, range: string) => Promise<GetObjectCommandOutput>;

async function connectTo({ endpoint, timeoutSeconds = 60 }: S3Access): Promise<Connection> {
  const [{ GetObjectCommand, S3Client }, http, https] = await Promise.all([
    import("@aws-sdk/client-s3"),
    import("node:http"),
    import("node:https"),
  ]);
  const options: S3ClientConfig = {
    followRegionRedirects: true,
    // Few other servers have a host name for each bucket.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    requestHandler: {
      connectionTimeout: (timeoutSeconds * 1000) / 6,
      socketTimeout: timeoutSeconds * 1000,
      // These two agents use the proxy of the environment; those of the SDK do not.
      httpAgent: http.globalAgent,
      httpsAgent: https.globalAgent,
    },
  };
  const configured = new S3Client(options);
  const client = (await hasRegion(configured)) ? configured : new S3Client({ ...options, region: FIRST_REGION });
  return (bucket, key, range) => client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range: range }));
}

async function hasRegion(client: S3Client): Promise<boolean> {
  try {
    return (await client.config.region()) !== "";
  } catch {
    // The SDK throws this if no region is configured.
    return false;
  }
}

async function requestRange(
  connection: Connection,
  { bucket, key, start, end }: { bucket: string; key: string; start: number; end: number },
): Promise<FileRange> {
  const answer = await sent(bucket, key, () => connection(bucket, key, `bytes=${start}-${end - 1}`));
  if (answer.Body === undefined) throw new Error("the answer has no body");
  const size = sizeOf(answer.ContentRange ?? null, start);
  return { bytes: Buffer.from(await answer.Body.transformToByteArray()), size, tag: answer.ETag ?? null };
}

/** Sends a request. The SDK repeats it if that may help. */
async function sent(
  bucket: string,
  key: string,
  send: () => Promise<GetObjectCommandOutput>,
): Promise<GetObjectCommandOutput> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new SourceError(reasonOf(error, bucket, key), { cause: error });
  }
}

function reasonOf(error: Error, bucket: string, key: string): string {
  const status = statusOf(error);
  const { name, message } = error;
  if (NO_CREDENTIALS.test(name)) return `there are no AWS credentials (${message}): ${SIGN_IN}.`;
  if (name === "NoSuchBucket") return `there is no bucket ${bucket}: check its name.`;
  if (name === "NoSuchKey" || status === 404) return `the bucket ${bucket} holds no ${key}: check the key.`;
  if (BAD_CREDENTIALS.test(name)) return `S3 does not accept the AWS credentials (${name}): ${SIGN_IN}.`;
  if (name === "InvalidObjectState") return "it is archived: restore it, or copy it to a bucket's standard class.";
  if (status === 401 || status === 403) {
    return `S3 denies access (${name}): the credentials need s3:GetObject on it; without s3:ListBucket, S3 says the same of a file that is not there.`;
  }
  if (status === 416) return "it is empty: check the key.";
  if (status === null)
    return `S3 can't be reached (${message || name}): check the network, and AWS_ENDPOINT_URL_S3 if it is set.`;
  return `S3 answers ${status} (${name}: ${message}): check bucket, key and AWS_REGION.`;
}

/** HTTP status of the answer that caused an error; null if there was no answer. */
function statusOf(error: Error): number | null {
  const metadata: unknown = "$metadata" in error ? error.$metadata : null;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return null;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : null;
}
