/** Explains errors of AWS to the user: the reason and the remedy. */

import { BAD_CREDENTIALS, NO_CREDENTIALS, SIGN_IN } from "../config/aws-credentials.ts";

/**
 * Kinds of errors. `unreachable`: no answer came; `other`: AWS answered with an error that is not about credentials or
 * permissions.
 */
type Fault = "no credentials" | "bad credentials" | "denied" | "unreachable" | "other";

const DENIED = /Unauthorized|AccessDenied|OptIn/;

function faultOf(error: Error): Fault {
  if (NO_CREDENTIALS.test(error.name)) return "no credentials";
  if (!isAnswer(error)) return "unreachable";
  if (BAD_CREDENTIALS.test(error.name)) return "bad credentials";
  const status = statusOf(error);
  return DENIED.test(error.name) || status === 401 || status === 403 ? "denied" : "other";
}

/** HTTP status of the answer behind an error; null if no answer came. */
export function statusOf(error: unknown): number | null {
  if (!(error instanceof Error)) return null;
  const metadata: unknown = "$metadata" in error ? error.$metadata : null;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return null;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : null;
}

/** Whether an error comes from a request to AWS. Other errors are defects of the program. */
export function isFromAws(error: unknown): error is Error {
  // The SDK counts its attempts in `$metadata`, even if no answer came.
  return error instanceof Error && ("$metadata" in error || NO_CREDENTIALS.test(error.name));
}

/** Whether AWS itself answered with the error: other requests may then succeed. */
export function isAnswer(error: Error): boolean {
  return statusOf(error) !== null || ("$metadata" in error && "$fault" in error);
}

/** Whether credentials are missing or not accepted: every other request will fail too. */
export function isAboutCredentials(error: Error): boolean {
  return /credentials$/.test(faultOf(error));
}

/** Whether a retry is useless, because the user must sign in or get a permission first. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && (isAboutCredentials(error) || faultOf(error) === "denied");
}

/** Whether the requested object does not exist. */
export function isNotFound({ name }: Error): boolean {
  return /NotFound|NoSuch|ResourceNotFound/.test(name);
}

/** Why AWS refused a request. */
export interface Refusal {
  /** The start of a sentence: `AWS refuses ec2:DescribeVolumes in us-east-1 (AccessDenied: not you)`. */
  what: string;
  /** The end of that sentence: `the credentials need ec2:Describe*`. */
  remedy: string;
}

/** A request to AWS, as the message names it. */
export interface Asked {
  /** The service: `S3`. @default "AWS" */
  service?: string;
  /** The request: `ec2:DescribeVolumes in us-east-1`. @default the message names none */
  question?: string;
  /** Permissions that the requests need. */
  needs: string;
}

/** The reason and the remedy of an error of AWS. Every message about AWS uses these words. */
export function describeAwsError(error: Error, { service = "AWS", question, needs }: Asked): Refusal {
  const [firstLine = ""] = error.message.trim().split("\n");
  const reason = `(${error.name}: ${firstLine.replace(/\.$/, "")})`;
  const on = question === undefined ? "" : ` for ${question}`;
  switch (faultOf(error)) {
    case "no credentials":
      return { what: `There are no AWS credentials (${error.message})`, remedy: SIGN_IN };
    case "bad credentials":
      return { what: `${service} does not accept the credentials${on} ${reason}`, remedy: SIGN_IN };
    case "denied":
      return { what: `${service} refuses ${question ?? "access"} ${reason}`, remedy: `the credentials need ${needs}` };
    case "unreachable":
      return { what: `${service} can't be reached${on} ${reason}`, remedy: "check the network" };
    case "other":
      return {
        what: `${service} answers ${statusOf(error) ?? "with an error"}${on} ${reason}`,
        remedy: "try again later",
      };
  }
}

/** Formats an AWS error as one sentence: reason and remedy. */
export function awsSentence(error: Error, asked: Asked): string {
  const { what, remedy } = describeAwsError(error, asked);
  return `${what}: ${remedy}.`;
}

/** Formats an AWS error to append to `The model can't be imported: `. */
export function awsClause(error: unknown, asked: Asked): string {
  if (!(error instanceof Error)) return String(error);
  const sentence = awsSentence(error, asked);
  return sentence.startsWith("There ") ? `t${sentence.slice(1)}` : sentence;
}
