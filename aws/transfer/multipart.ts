/** One multipart upload of an S3 object: begun, found again, sent, completed. */

import { hash } from "node:crypto";
import type * as S3 from "@aws-sdk/client-s3";
import { MIB } from "../../config/units.ts";
import { statusOf } from "../errors.ts";
import { TransferError } from "./transfer-error.ts";

/** S3 takes so many parts of one object (S3 user guide, "multipart upload limits"). */
const MOST_PARTS = 10_000;
const PART_MEBIBYTES = [64, 128, 256, 512];

/** The metadata of an object that says which file it was made from. */
export const IDENTITY = "identity";

/** Bytes of a part: the least of 64, 128, 256 and 512 MiB with which a file of that size fits into 10,000 parts. */
export function partBytesFor(fileBytes: number): number {
  const mebibytes = PART_MEBIBYTES.find((size) => size * MIB * MOST_PARTS >= fileBytes);
  if (mebibytes === undefined) {
    throw new TransferError(
      `A file of ${fileBytes} bytes is more than S3 keeps as one object: split it with \`llama-gguf-split\`.`,
    );
  }
  return mebibytes * MIB;
}

/** Where an object goes, and how S3 is asked. */
export interface ObjectPlace {
  sdk: typeof S3;
  client: S3.S3Client;
  bucket: string;
  key: string;
  /** Goes into the object's metadata. */
  identity: string;
  /** Stops whatever is asked. */
  sending: { abortSignal?: AbortSignal };
}

/** A part that S3 holds. */
export interface SentPart {
  bytes: number;
  tag: string;
  /** Absent where the server keeps no checksums. */
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

/** The newest upload of the object that is not complete, with its parts by number; null if there is none. */
export async function openUpload(place: ObjectPlace): Promise<{ id: string; parts: Map<number, SentPart> } | null> {
  const { client, sdk, bucket, key, sending } = place;
  const listed = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }), sending);
  const [newest] = (listed.Uploads ?? [])
    .filter((upload) => upload.Key === key)
    .sort((a, b) => (b.Initiated?.getTime() ?? 0) - (a.Initiated?.getTime() ?? 0));
  if (newest?.UploadId === undefined) return null;
  const parts = new Map<number, SentPart>();
  // The SDK's paginator goes on as long as there is a marker, and the last page has one too.
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
  if (begun.UploadId === undefined) throw new Error("S3 began an upload and gave it no id");
  return begun.UploadId;
}

/** Sends a part; S3 refuses it if it is not what was hashed here. */
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
  if (sent.ETag === undefined) throw new Error("S3 took a part and gave it no tag");
  return { bytes: content.length, tag: sent.ETag, sha256 };
}

/** Makes the parts an object. */
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

/** Gives an upload up, with what was sent of it. */
export async function abandonUpload(place: ObjectPlace, id: string): Promise<void> {
  const { client, sdk, sending } = place;
  await client.send(new sdk.AbortMultipartUploadCommand({ ...objectOf(place), UploadId: id }), sending);
}

/**
 * Whether a part that S3 holds is this one: by its SHA-256, else by its tag, which without customer keys is its MD5.
 * A part of which neither is known counts as another.
 */
export function isSamePart(part: SentPart, content: Buffer): boolean {
  if (part.bytes !== content.length) return false;
  if (part.sha256 !== undefined) return part.sha256 === hash("sha256", content, "base64");
  return part.tag.replaceAll('"', "") === hash("md5", content, "hex");
}

const objectOf = ({ bucket, key }: ObjectPlace) => ({ Bucket: bucket, Key: key });
