import * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "../../config/problems.ts";
import { ModelError, PlanRefused } from "../../plan/index.ts";

/**
 * Runs what comes before the first resource, and ends the program with the message alone where the user has to change
 * something: a stack trace says nothing about a stack file. Other errors are defects and keep theirs.
 */
export async function orRefuse<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const usersMistake = [ConfigError, ModelError, PlanRefused].some((kind) => error instanceof kind);
    throw usersMistake && error instanceof Error ? new pulumi.RunError(error.message) : error;
  }
}
