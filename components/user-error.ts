import * as pulumi from "@pulumi/pulumi";
import { UserError } from "../config/errors.ts";

/**
 * Runs what comes before the first resource. If the user has to change something, the program ends with the message alone,
 * because a stack trace says nothing about a stack file. Other errors are defects and keep theirs.
 */
export async function exitOnUserError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof UserError ? new pulumi.RunError(error.message) : error;
  }
}
