/** The calls of a multipart upload to S3: begin, find again, send parts, complete. */

import { hash } from "node:crypto";
import type * as S3 from "@aws-sdk/client-s3";
import { MIB } from "../../config/units.ts";
import { statusOf } from "../errors.ts";
import { TransferError } from "./transfer-error.ts";

/** Limit of S3 for the parts of one object (S3 user guide, "multipart upload limits"). */
const MOST_PARTS = 10_000;
const PART_MEBIBYTES = [64, 128, 256, 512];

/** Metadata key that holds the identity of the object's file. */
export const IDENTITY = "identity";

/** Bytes of a part: the smallest of 64, 128, 256 and 512 MiB with which the file fits into 10,000 parts. */
export function partBytesFor(fileBytes: number): number {
  const mebibytes = PART_MEBIBYTES.find((size) => size * MIB * MOST_PARTS >= fileBytes);
  if (mebibytes === undefined) {
    throw new TransferError(
      `A file of ${fileBytes} bytes is too large for one S3 object: split it with \`llama-gguf-split\`.`,
    );
  }
  return mebibytes * MIB;
}

/** An object in S3, and the client to use. */
export interface ObjectPlace {
  sdk: typeof S3;
  client: S3.S3Client;
  bucket: string;
  key: string;
  /** Stored in the object's metadata. */
  identity: string;
  /** Aborts requests. */
  sending: { abortSignal?: AbortSignal };
}

/** A part that S3 holds. */
export interface SentPart {
  bytes: number;
  tag: string;
  /** Absent if the server keeps no checksums. */
  sha256: string | undefined;
}

/** Whether the bucket holds an object with that size and identity. */
export async function isThere(place: ObjectPlace, bytes: number): Promise<boolean> {
  const { client, sdk, sending } = place;
  try {
    const head = await client.send(new sdk.HeadObjectCommand(objectOf(place)), sending);
    return head.ContentLength === bytes && head.Metadata?.[IDENTITY] === place.identity;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}

/** The newest incomplete upload of the object, with its parts by number; null if there is none. */
export async function openUpload(place: ObjectPlace): Promise<{ id: string; parts: Map<number, SentPart> } | null> {
  const { client, sdk, bucket, key, sending } = place;
  const listed = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }), sending);
  const [newest] = (listed.Uploads ?? [])
    .filter((upload) => upload.Key === key)
    .sort((a, b) => (b.Initiated?.getTime() ?? 0) - (a.Initiated?.getTime() ?? 0));
  if (newest?.UploadId === undefined) return null;
  const parts = new Map<number, SentPart>();
  // Not the SDK's paginator: it continues while there is a marker, and the last page has one too.
  for (let marker: string | undefined = "0"; marker !== undefined; ) {
    const page: S3.ListPartsCommandOutput = await client.send(
      new sdk.ListPartsCommand({ ...objectOf(place), UploadId: newest.UploadId, PartNumberMarker: marker }),
      sending,
    );
    for (const { PartNumber, Size, ETag, ChecksumSHA256 } of page.Parts ?? []) {
      if (PartNumber === undefined || ETag === undefined) continue;
      parts.set(PartNumber, { bytes: Size ?? 0, tag: ETag, sha256: ChecksumSHA256 });
    }
    marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
  }
  return { id: newest.UploadId, parts };
}

export async function beginUpload(place: ObjectPlace): Promise<string> {
  const { client, sdk, identity, sending } = place;
  const begun = await client.send(
    new sdk.CreateMultipartUploadCommand({
      ...objectOf(place),
      ChecksumAlgorithm: "SHA256",
      Metadata: { [IDENTITY]: identity },
      ContentType: "application/octet-stream",
    }),
    sending,
  );
  if (begun.UploadId === undefined) throw new Error("S3 began an upload without an id");
  return begun.UploadId;
}

/** Sends a part with its SHA-256, which S3 checks. */
export async function sendPart(place: ObjectPlace, id: string, number: number, content: Buffer): Promise<SentPart> {
  const { client, sdk, sending } = place;
  const sha256 = hash("sha256", content, "base64");
  const sent = await client.send(
    new sdk.UploadPartCommand({
      ...objectOf(place),
      UploadId: id,
      PartNumber: number,
      Body: content,
      ContentLength: content.length,
      ChecksumSHA256: sha256,
    }),
    sending,
  );
  if (sent.ETag === undefined) throw new Error("S3 took a part without an ETag");
  return { bytes: content.length, tag: sent.ETag, sha256 };
}

/** Joins the parts to an object. */
export async function completeUpload(
  place: ObjectPlace,
  id: string,
  parts: ReadonlyMap<number, SentPart>,
): Promise<void> {
  const { client, sdk, sending } = place;
  const Parts = [...parts]
    .sort(([a], [b]) => a - b)
    .map(([PartNumber, { tag, sha256 }]) => ({
      PartNumber,
      ETag: tag,
      ...(sha256 === undefined ? {} : { ChecksumSHA256: sha256 }),
    }));
  await client.send(
    new sdk.CompleteMultipartUploadCommand({ ...objectOf(place), UploadId: id, MultipartUpload: { Parts } }),
    sending,
  );
}

/** Aborts an upload and deletes its parts. */
export async function abandonUpload(place: ObjectPlace, id: string): Promise<void> {
  const { client, sdk, sending } = place;
  await client.send(new sdk.AbortMultipartUploadCommand({ ...objectOf(place), UploadId: id }), sending);
}

/**
 * Whether a part in S3 has this content: by its SHA-256, else by its ETag, which is the MD5 if no customer key is used.
 * A part without either counts as different.
 */
export function isSamePart(part: SentPart, content: Buffer): boolean {
  if (part.bytes !== content.length) return false;
  if (part.sha256 !== undefined) return part.sha256 === hash("sha256", content, "base64");
  return part.tag.replaceAll('"', "") === hash("md5", content, "hex");
}

const objectOf = ({ bucket, key }: ObjectPlace) => ({ Bucket: bucket, Key: key });
