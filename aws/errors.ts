/** Why AWS did not do what it was asked, and what to do about it, for people. */

import { BAD_CREDENTIALS, NO_CREDENTIALS, SIGN_IN } from "../config/aws-credentials.ts";

/**
 * What stands in the way. `unreachable`: there was no answer; `other`: AWS answered with an error that neither credentials
 * nor permissions are to blame for.
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

/** Status of the answer that an error was made from; null if there was none. */
export function statusOf(error: unknown): number | null {
  if (!(error instanceof Error)) return null;
  const metadata: unknown = "$metadata" in error ? error.$metadata : null;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return null;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : null;
}

/** Whether an error is about asking AWS, and not a defect of the program. */
export function isFromAws(error: unknown): error is Error {
  // The SDK counts its attempts there, for what never got an answer too.
  return error instanceof Error && ("$metadata" in error || NO_CREDENTIALS.test(error.name));
}

/** Whether AWS itself answered with the error, and so whether other questions may fare better. */
export function isAnswer(error: Error): boolean {
  return statusOf(error) !== null || ("$metadata" in error && "$fault" in error);
}

/** Whether there are no credentials, or none that AWS accepts: no other question will fare better. */
export function isAboutCredentials(error: Error): boolean {
  return /credentials$/.test(faultOf(error));
}

/** Whether it is no use to try again: the user has to sign in or to be allowed first. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && (isAboutCredentials(error) || faultOf(error) === "denied");
}

/** Whether what was asked for does not exist. */
export function isNotFound({ name }: Error): boolean {
  return /NotFound|NoSuch|ResourceNotFound/.test(name);
}

/** Why a question was not answered. */
export interface Refusal {
  /** Begins a sentence: `AWS refuses ec2:DescribeVolumes in us-east-1 (AccessDenied: not you)`. */
  what: string;
  /** Ends it: `the credentials need ec2:Describe*`. */
  remedy: string;
}

/**
 * Why AWS did not answer a question.
 * @param question what was asked: `ec2:DescribeVolumes in us-east-1`
 * @param permissions what the credentials need for all that is asked
 */
export function refusalOf(error: Error, question: string, permissions: string): Refusal {
  const [firstLine = ""] = error.message.split("\n");
  const said = `(${error.name}: ${firstLine.replace(/\.$/, "")})`;
  switch (faultOf(error)) {
    case "no credentials":
      return { what: `There are no AWS credentials (${error.message})`, remedy: SIGN_IN };
    case "bad credentials":
      return { what: `AWS does not accept the credentials for ${question} ${said}`, remedy: SIGN_IN };
    case "denied":
      return { what: `AWS refuses ${question} ${said}`, remedy: `the credentials need ${permissions}` };
    case "unreachable":
      return { what: `AWS can't be reached for ${question} ${said}`, remedy: "check the network" };
    case "other":
      return { what: `AWS does not answer ${question} ${said}`, remedy: "try again later" };
  }
}

/** The same as one sentence. */
export function reasonOf(error: Error, question: string, permissions: string): string {
  const { what, remedy } = refusalOf(error, question, permissions);
  return `${what}: ${remedy}.`;
}

/**
 * Why AWS did not do something, as a clause with its remedy, for the end of a sentence that says what.
 * @param service as people call it: `S3`
 * @param needs the permissions that it takes, for where they are lacking
 */
export function awsReason(error: unknown, service: string, needs: string): string {
  if (!(error instanceof Error)) return String(error);
  const { name } = error;
  const message = error.message.replaceAll(/\s+/g, " ").trim();
  switch (faultOf(error)) {
    case "no credentials":
      return `there are no AWS credentials (${message}): ${SIGN_IN}.`;
    case "bad credentials":
      return `${service} does not accept the AWS credentials (${name}): ${SIGN_IN}.`;
    case "denied":
      return `${service} denies access (${name}): the credentials need ${needs}.`;
    case "unreachable":
      return `${service} can't be reached (${message || name}): check the network and the region.`;
    case "other":
      return `${service} answers ${statusOf(error) ?? "with an error"} (${name}: ${message}).`;
  }
}
