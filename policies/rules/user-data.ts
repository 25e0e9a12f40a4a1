/** What a machine is told when it boots, as text. */
import { gunzipSync } from "node:zlib";
import { aws, type Resource } from "../model.ts";

/** One property that holds user data. */
export interface UserData {
  path: string;
  text: string;
}

const PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  [aws("ec2", "Instance")]: ["userData", "userDataBase64"],
  [aws("ec2", "LaunchTemplate")]: ["userData"],
  [aws("ec2", "LaunchConfiguration")]: ["userData", "userDataBase64"],
  [aws("ec2", "SpotInstanceRequest")]: ["userData", "userDataBase64"],
};

/** All user data of a resource that is known, decoded and unpacked. */
export function userDataOf({ type, props }: Resource): UserData[] {
  return (PROPERTIES[type] ?? []).flatMap((path) => {
    const value = props[path];
    return typeof value === "string" && value !== "" ? [{ path, text: decoded(value) }] : [];
  });
}

const GZIP_MAGIC = [0x1f, 0x8b];

function decoded(text: string): string {
  if (!/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text) || text.trim().length % 4 !== 0) return text;
  const bytes = Buffer.from(text, "base64");
  const isPacked = GZIP_MAGIC.every((byte, index) => bytes[index] === byte);
  return (isPacked ? gunzipSync(bytes) : bytes).toString("utf8");
}
