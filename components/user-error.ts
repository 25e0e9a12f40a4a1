import * as pulumi from "@pulumi/pulumi";
import { UserError } from "../config/errors.ts";

/**
 * Runs the code before the first resource. If it throws a UserError, the program ends with the message alone, because a stack
 * trace does not help with a stack file. Other errors are defects and keep their stack trace.
 */
export async function exitOnUserError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof UserError ? new pulumi.RunError(error.message) : error;
  }
}
